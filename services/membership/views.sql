-- Who is a member, since which receipt, and in which tier.
CREATE TABLE members (
  customer_id  uuid PRIMARY KEY,
  joined_order text COLLATE "C" NOT NULL,
  joined_at    timestamptz NOT NULL,
  sale_id      uuid NOT NULL,
  tier         text,
  tier_since   timestamptz,
  merged_into  uuid,                              -- she was given up for that one, who is on the list herself
  through      uuid                               -- a member only as this one, who was given up for her
);
CREATE INDEX members_by_joining ON members (joined_order, customer_id);
