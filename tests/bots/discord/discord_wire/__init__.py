"""A local Discord: REST v10, gateway v10 and a CDN path, as Discord documents them.

Written from https://docs.discord.com/developers (reference, topics/gateway, topics/rate-limits,
resources/*, interactions/*), so that the real discord.py talks to it over real sockets.
"""
