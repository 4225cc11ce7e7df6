"""Pos owns the chain's branches and tills, what tills send, and what of it had to be set aside.

It says which receipts were closed and given back, what points were spent on them, who came in, and where a till's
sequence has gaps.
It hears nobody: tills speak to it over HTTP, or by the topic `pos.intake`.
"""
