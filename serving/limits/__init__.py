"""Quotas of users and keys, and a cache: in memory, or in a Redis that several gateways share."""
