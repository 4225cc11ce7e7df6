"""The texts of messages. They name nobody, so that what was sent may be kept. Pure."""

from services.notification.domain import WELCOME

TEXTS = {
    WELCOME: "欢迎成为我们的会员！每次消费都会累积积分。 Welcome, you are a member now: every visit earns points.",
}
