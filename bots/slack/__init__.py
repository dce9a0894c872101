"""The bot in Slack: events become questions, answers become messages.

Nothing here decides whether or what to answer; see `bots.platform`.
"""
