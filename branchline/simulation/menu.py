"""What the salons sell, and what a receipt of it looks like. Pure; prices are minor units."""

from random import Random
from typing import Any

SERVICES = (
    ("CUT-W", "Women's cut", 68_00), ("CUT-M", "Men's cut", 42_00), ("CUT-C", "Child's cut", 28_00),
    ("BLOW", "Blow-dry", 45_00), ("COLOUR", "Full colour", 124_50), ("ROOTS", "Root touch-up", 79_90),
    ("BALAYAGE", "Balayage", 239_00), ("KERATIN", "Keratin smoothing", 310_00), ("BRIDAL", "Bridal styling", 465_00),
    ("FACIAL", "Facial", 95_00), ("NAILS", "Manicure", 39_95),
)  # fmt: skip
PRODUCTS = (
    ("SHAMPOO", "Repair shampoo", 31_50), ("OIL", "Argan oil", 44_00), ("WAX", "Matte wax", 22_25),
    ("BRUSH", "Paddle brush", 36_99), ("MASK", "Overnight mask", 57_10),
)  # fmt: skip
STAFF = ("AMY", "BO", "CHIARA", "DEV", "ELIF", "FARAH")
METHODS = ("card", "cash", "wallet")
DISCOUNTS = (5_00, 10_00, 20_00, 33_33)
TAX_PERCENT = 13


def service(chance: Random) -> dict[str, Any]:
    """Return a line for a service, now and then below its listed price."""
    code, name, price = chance.choice(SERVICES)
    net = price - chance.choice((0, 0, 0, price // 10))
    return line(code, name, "service", price, net, staff=chance.choice(STAFF))


def product(chance: Random) -> dict[str, Any]:
    """Return a line for one or two of a product."""
    code, name, price = chance.choice(PRODUCTS)
    quantity = chance.choice((1, 1, 1, 2))
    return line(code, name, "product", price * quantity, price * quantity, quantity=quantity)


def voucher(net: int) -> dict[str, Any]:
    """Return a line for a service of exactly that price."""
    return line("PACKAGE", "Package", "service", net, net, staff=STAFF[0])


def discount(chance: Random, at_most: int) -> dict[str, Any] | None:
    """Return a line that takes something off, never more than is there."""
    fitting = [amount for amount in DISCOUNTS if amount <= at_most]
    return allowance(chance.choice(fitting)) if fitting else None


def allowance(amount: int) -> dict[str, Any]:
    """Return a line that takes exactly so much off."""
    return line("ADJ", "Courtesy", "adjustment", -amount, -amount)


def line(
    code: str, name: str, kind: str, listed: int, net: int, *, quantity: int = 1, staff: str | None = None
) -> dict[str, Any]:
    """Return a line as a till sends it."""
    return {
        "code": code,
        "name": name,
        "kind": kind,
        "staff": staff,
        "quantity": quantity,
        "list_minor": listed,
        "net_minor": net,
    }


def receipt(number: int, currency: str, customer: Any, lines: list[dict[str, Any]], chance: Random) -> dict[str, Any]:
    """Return the data of a sale, paid in one or two ways."""
    net = sum(one["net_minor"] for one in lines)
    tax = max(0, net) * TAX_PERCENT // 100
    whole = max(0, net + tax)
    first = whole if chance.random() < 0.9 else whole // 2
    amounts = [amount for amount in (first, whole - first) if amount]
    return {
        "receipt": str(number),
        "currency": currency,
        "customer": customer,
        "lines": lines,
        "payments": [{"method": chance.choice(METHODS), "amount_minor": amount} for amount in amounts],
        "tax_minor": tax,
    }
