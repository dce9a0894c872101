"""People's judgement: a blinded sheet, and what comes back."""
