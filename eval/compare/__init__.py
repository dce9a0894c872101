"""Any number of models on the same prompts, and a judge's preference between them."""
