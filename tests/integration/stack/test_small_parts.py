"""The parts that need no server: ports, directories, output, logs."""

import io
import os
import socket
from pathlib import Path

import pytest

from console.stack import logs
from console.stack.directories import SOCKET_PATH_BYTES, make_private, run_directory
from console.stack.errors import StackError
from console.stack.output import Lines, Output
from console.stack.ports import check_ports


def test_all_taken_ports_are_told_at_once() -> None:
    """One error names every taken port, what it is for, who holds it, and the setting to change."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = [listening.getsockname()[1] for listening in (one, two)]
        with pytest.raises(StackError) as caught:
            check_ports(
                [
                    (ports[0], "127.0.0.1", "the receiver", "HOOKYARD_RECEIVER_PORT"),
                    (ports[1], "127.0.0.1", "Flower", "HOOKYARD_FLOWER_PORT"),
                ]
            )
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"port {ports[0]} for the receiver is taken by ")
    assert first.endswith(f"(process {os.getpid()}); free it or change HOOKYARD_RECEIVER_PORT")
    assert second.endswith("; free it or change HOOKYARD_FLOWER_PORT")


def test_a_port_in_time_wait_is_free() -> None:
    """Connections that a dead run closed do not take the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()
            client.recv(1)
    check_ports([(port, "127.0.0.1", "the receiver", "HOOKYARD_RECEIVER_PORT")])


def test_one_port_for_two_things_is_refused() -> None:
    """Two settings with the same port are a mistake that no server should have to find."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(StackError, match=f"HOOKYARD_A_PORT and HOOKYARD_B_PORT are all {port}"):
        check_ports([(port, "127.0.0.1", "a", "HOOKYARD_A_PORT"), (port, "127.0.0.1", "b", "HOOKYARD_B_PORT")])


def test_an_address_that_is_not_ours_is_told() -> None:
    """An address this machine does not have is an error about the address."""
    with pytest.raises(StackError, match=r"cannot listen on 192\.0\.2\.1:8000 for the receiver"):
        check_ports([(8000, "192.0.2.1", "the receiver", "HOOKYARD_RECEIVER_PORT")])


def test_sockets_live_in_the_data_directory_where_they_fit(tmp_path: Path) -> None:
    """A short plain path keeps its sockets to itself; a long or unusual one has them in a short private place."""
    assert run_directory(Path("/srv/hookyard")) == Path("/srv/hookyard/run")
    for path in (tmp_path / ("x" * 100), tmp_path / "a b"):
        short = run_directory(path)
        assert short == run_directory(path)
        assert path not in short.parents
        assert len(f"{short}/pg/.s.PGSQL.5432") <= SOCKET_PATH_BYTES


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to another user")
def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Sockets are not put where another user could have prepared something."""
    data_dir = tmp_path / "a b"
    short = run_directory(data_dir)
    short.mkdir()
    os.chown(short, 12345, 12345)
    try:
        with pytest.raises(StackError, match=r"belongs to another user \(uid 12345\)"):
            run_directory(data_dir)
    finally:
        short.rmdir()


def test_a_link_in_the_place_of_a_private_directory_is_refused(tmp_path: Path) -> None:
    """A link could lead anywhere."""
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(StackError, match="something else"):
        make_private(tmp_path / "link")


def test_lines_are_cut_and_remembered() -> None:
    """A line may come in pieces and the last one without an end; only the last lines are remembered."""
    lines = Lines(remembered=2)
    assert lines.feed(b"on") == []
    assert lines.feed(b"e\r\ntwo\nthr") == ["one", "two"]
    assert lines.feed(b"") == ["thr"]
    assert list(lines.last) == ["two", "thr"]


def test_a_line_without_end_is_not_kept_for_ever() -> None:
    """Output without line ends is passed on in pieces."""
    assert Lines().feed(b"x" * 100_000) == ["x" * 100_000]


def test_names_are_coloured_only_where_wanted() -> None:
    """A stream that is no terminal gets no control characters."""
    plain, coloured = io.StringIO(), io.StringIO()
    Output(plain, ["web"]).write("web", ["hello"])
    Output(coloured, ["web"], colour=True).write("web", ["hello"])
    assert plain.getvalue() == "web | hello\n"
    assert coloured.getvalue() == "\x1b[33mweb | \x1b[0mhello\n"


def test_a_closed_stream_does_not_stop_the_supervision() -> None:
    """Output that nobody reads any more is dropped."""
    stream = io.StringIO()
    output = Output(stream, ["web"])
    stream.close()
    output.write("web", ["hello"])
    output.say("still here")


def test_a_log_is_kept_small_while_it_is_written(tmp_path: Path) -> None:
    """A log that grew too big starts again, and the writer goes on in it."""
    path = tmp_path / "server.log"
    descriptor = logs.open_log(path)
    os.write(descriptor, b"x" * (logs.MAX_LOG_BYTES + 1))
    logs.bound_log(path)
    os.write(descriptor, b"new\n")
    os.close(descriptor)
    assert path.read_text() == "new\n"
    assert logs.last_lines(path) == ["new"]
    assert path.with_name("server.log.1").stat().st_size == logs.MAX_LOG_BYTES + 1
