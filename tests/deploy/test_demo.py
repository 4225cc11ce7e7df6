"""The demo: everything starts, tills sell, headquarters is a link away, and Ctrl-C compares and leaves nothing."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2

from deploy.local.places import CHECKOUT
from deploy.local.processes import MARK, marked
from shared.settings import Settings
from tests.cell import environment, eventually

LINK = re.compile(r"http://\S+/login\?token=\S+")


def begin(home: Path, said: Path, settings: Settings) -> "subprocess.Popen[bytes]":
    given = {name: value for name, value in os.environ.items() if name != MARK} | environment(settings)
    command = [sys.executable, "-m", "deploy.local", "demo", f"--home={home}"]
    with said.open("w") as out:
        return subprocess.Popen(command, cwd=CHECKOUT, env=given, stdout=out, stderr=subprocess.STDOUT)


async def test_the_demo_sells_and_ctrl_c_compares_and_leaves_nothing(settings: Settings, tmp_path: Path) -> None:
    home, said = tmp_path / "run", tmp_path / "said"
    demo = begin(home, said, settings)
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as browser:

            async def sells() -> bool:
                assert demo.poll() is None, said.read_text()
                link = LINK.search(said.read_text())
                if link is None or "session 1" not in said.read_text():
                    return False
                assert (await browser.get(link.group())).status_code == 303
                summary = await browser.get(f"{settings.address('projection')}/v1/chain/summary")
                return summary.status_code == 200 and bool(summary.json()["receipts"] >= 5)

            await eventually(sells, 90)
        demo.send_signal(signal.SIGINT)
        demo.wait(90)
    finally:
        demo.kill()
        demo.wait()
    assert demo.returncode == 0, said.read_text()
    assert "\nequal: " in said.read_text()
    assert marked(home) == []
