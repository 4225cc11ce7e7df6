"""A child that is started again, with backoff, whenever it ends. Times are seconds of a clock that never goes back."""

from dataclasses import dataclass

from deploy.local.processes import Child

SHORTEST = 0.5
LONGEST = 30.0
SETTLED = 60.0


@dataclass
class Kept:
    """A child with its times; `again_at` is when it is started next, none while it runs."""

    child: Child
    began_at: float = 0.0
    again_at: float | None = None
    delay: float = SHORTEST
    ends: int = 0

    def start(self, now: float) -> None:
        """Start the child."""
        self.child.start()
        self.began_at, self.again_at = now, None

    def tend(self, now: float) -> str | None:
        """Start it again when its time has come; return what is to be said about it, none when all is well."""
        if self.again_at is not None:
            if now < self.again_at:
                return None
            self.start(now)
            return f"{self.child.name} was started again"
        status = self.child.ended()
        if status is None:
            if now - self.began_at > SETTLED:
                self.delay = SHORTEST
            return None
        self.ends += 1
        wait, self.again_at = self.delay, now + self.delay
        self.delay = min(self.delay * 2, LONGEST)
        how = f"was ended by signal {-status}" if status < 0 else f"ended with {status}"
        lived = f"after {now - self.began_at:.0f} s"
        return f"{self.child.name} {how} {lived}, is started again in {wait:g} s; see {self.child.log}"
