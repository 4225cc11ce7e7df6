"""Notification owns the messages to customers, from plan to outcome: at most one send for each message key.

It says MessageSent, MessageFailed and MessageOutcomeUnknown, never to whom in plain.
It hears memberships that start, and asks the vault for a number only at the moment of sending.
"""
