"""Membership owns who the customers are: the vault with all personal data, and each customer's joining and tier.

It says CustomerRegistered, MembershipStarted, MembershipMovedEarlier, TierChanged, BirthdayMonthTold, and
CustomersMerged and CustomersSplit of two who turn out to be one, or two after all; never a name, a number or a day.
It hears the tills' sales and refunds, and answers `resolve`, `keep` and `reveal` to other services.
"""
