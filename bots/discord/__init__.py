"""The bot in Discord: events become questions, answers become messages.

Nothing here decides what to say; that is the desk's. Only discord.py is used, and what it does not
offer openly is in `_dpy_internals`.
"""
