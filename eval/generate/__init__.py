"""From split texts to what each model made of them, in files that scoring reads."""
