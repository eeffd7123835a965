#!/usr/bin/env python3
"""check_requests.py TORVYN GUESTS WHAT: hostile clients of the inspection server of a running flow.

  requests     each row of requests.tsv on the Unix socket and on TCP, whole and byte by byte, gets its status, and
               nothing else is granted
  tcp          what inspection_listen and inspection_token_file accept; who gets in, and who does not
  slow         clients that send a byte at a time, or read nothing, are cut; the others go on
  pipelined    10 000 requests at once on one connection, and the answers in order
  idle         10 000 connections that say nothing: those beyond the limit make room
  descriptors  a process that has no descriptors left, and then has some again

In each of them a flow runs beside: it gets its lines one by one, and its output must be all of them, byte by byte; and
the server must answer as before.
"""
import http.client
import json
import os
import re
import resource
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from waiting import KEPT, WAIT_S, check, wait_for  # pylint: disable=wrong-import-position

MANIFEST = """[torvyn]
name = "case"
version = "0.1.0"
contract_version = "0.1.0"

[flow.main.nodes.relay]
component = "%s/relay.wasm"
interface = "torvyn:streaming/processor"
"""
CONNECTIONS_MAX = 64  # of src/net/http_server.h
TOKEN = "0123456789abcdef0123456789abcdef"


class Bystander:
    """`torvyn run` that is fed lines by a thread until it is told to end, and must deliver every one of them."""

    def __init__(self, torvyn, guests, folder, *options, tcp=False, descriptors=None):
        self.folder = folder
        self.state = os.path.join(folder, "state")
        os.makedirs(self.state, mode=0o700, exist_ok=True)
        with open(os.path.join(folder, "Torvyn.toml"), "w", encoding="utf-8") as file:
            file.write(MANIFEST % guests)
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment.update(PATH="/usr/bin:/bin", HOME=folder, TORVYN_HOME=folder, TORVYN_STATE_DIR=self.state,
                           LC_ALL="C.UTF-8")
        if tcp:
            with open(os.path.join(folder, "token"), "w", encoding="utf-8", opener=private) as file:
                file.write(TOKEN + "\n")
            options += ("--config", "observability.inspection_listen=127.0.0.1:0", "--config",
                        "observability.inspection_token_file=token")
            environment["TORVYN_LOG"] = "info"
        self.err = open(os.path.join(folder, "err"), "wb+")
        self.process = subprocess.Popen(
            [torvyn, "run", "--input", "-", "--output", "out", *options], cwd=folder, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self.err,
            preexec_fn=(lambda: limit(descriptors)) if descriptors else None)
        self.socket = os.path.join(self.state, "torvyn.sock")
        self.count = 0
        self.over = False
        wait_for("the server", lambda: self.process.poll() is not None or self.healthy())
        if self.process.poll() is not None:
            self.err.seek(0)
            sys.exit(f"exit {self.process.returncode}\n{self.err.read().decode()}")
        self.address = None
        if tcp:
            self.address = wait_for("the address", self.find_address)
        self.feeder = threading.Thread(target=self.feed)
        self.feeder.start()

    def find_address(self):
        self.err.seek(0)
        found = re.search(rb"inspection at http://([0-9.]+):([0-9]+)", self.err.read())
        return (found[1].decode(), int(found[2])) if found else None

    def feed(self):
        while not self.over:
            self.process.stdin.write(b"line %d\n" % self.count)
            self.process.stdin.flush()
            self.count += 1
            time.sleep(0.0005)

    def connect(self, tcp=False):
        client = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(WAIT_S)
        end = time.monotonic() + WAIT_S
        while True:
            try:
                client.connect(self.address if tcp else self.socket)
                return client
            except BlockingIOError:  # too many wait to be accepted
                check(time.monotonic() < end, "no connection is accepted any more")
                time.sleep(0.001)

    def ask(self, data, tcp=False):
        """The answer to these bytes, b"" when there is none."""
        client = self.connect(tcp)
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            return read_all(client)
        except (ConnectionError, BrokenPipeError):
            return b""
        finally:
            client.close()

    def get(self, path, tcp=False):
        host = b"%s:%d" % (self.address[0].encode(), self.address[1]) if tcp else b"localhost"
        token = b"Authorization: Bearer %s\r\n" % TOKEN.encode() if tcp else b""
        return self.ask(b"GET %s HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n" % (path.encode(), host, token), tcp)

    def healthy(self):
        try:
            return self.get("/health").startswith(b"HTTP/1.1 200 ")
        except OSError:
            return False

    def flow(self):
        return json.loads(self.get("/flows/main").split(b"\r\n\r\n", 1)[1])

    def goes_on(self):
        """Another element is delivered, and the server says so."""
        wait_for("an answer", self.healthy)
        before = self.flow()["delivered"]
        wait_for("the next element", lambda: self.flow()["delivered"] > before)

    def end(self):
        self.goes_on()
        self.over = True
        self.feeder.join()
        self.process.stdin.close()
        code = self.process.wait(timeout=WAIT_S)
        self.err.seek(0)
        check(code == 0, f"exit {code}\n{self.err.read().decode()}")
        self.err.close()
        with open(os.path.join(self.folder, "out"), "rb") as file:
            delivered = file.read()
        check(delivered == b"".join(b"line %d\n" % i for i in range(self.count)), "the flow's output is another one")


def private(path, flags):
    return os.open(path, flags, 0o600)


def limit(descriptors):
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))


def read_all(client):
    answer = b""
    while chunk := client.recv(65536):
        answer += chunk
    return answer


def statuses(answer):
    """The status of each answer in a row of them; the bodies are skipped by their length."""
    found = []
    while answer:
        head, answer = answer.split(b"\r\n\r\n", 1)
        found.append(int(re.match(rb"HTTP/1\.1 (\d{3}) ", head)[1]))
        length = re.search(rb"\r\nContent-Length: (\d+)", head)
        answer = answer[int(length[1]):]
    return found


def rows():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "requests.tsv"), encoding="ascii") as file:
        for line in file:
            if not line.startswith("#"):
                name, status, text = line.rstrip("\n").split("\t")
                yield name, int(status), decode(text)


def decode(text):
    plain = {"r": "\r", "n": "\n", "t": "\t", "0": "\0"}
    text = re.sub(r"\\R(\d+)(.);", lambda found: found[2] * int(found[1]), text)
    return re.sub(r"\\(?:x([0-9a-f]{2})|(.))",
                  lambda found: chr(int(found[1], 16)) if found[1] else plain.get(found[2], found[2]),
                  text).encode("latin-1")


def check_answer(name, status, data, answer):
    if data.startswith(b"HEAD "):
        check(answer.startswith(b"HTTP/1.1 %d " % status) and answer.endswith(b"\r\n\r\n"), f"{name}: {answer!r}")
        return
    found = statuses(answer)
    check(found == [status], f"{name}: {found}, not {status}")
    check(status < 400 or b"\r\nConnection: close\r\n" in answer, f"{name}: the connection stays")


def requests(torvyn, guests, folder):
    bystander = Bystander(torvyn, guests, folder, tcp=True)
    count = 0
    level = "production"
    for name, status, data in rows():
        check_answer(name, status, data, bystander.ask(data))
        # Without token, for another port: nothing is granted on TCP.
        found = statuses(bystander.ask(data, True)) if not data.startswith(b"HEAD ") else [403]
        check(len(found) == 1 and 400 <= found[0] < 600, f"{name} on TCP: {found}")
        if len(data) < 400:  # the same byte by byte
            client = bystander.connect()
            try:
                for i in range(len(data)):
                    client.sendall(data[i:i + 1])
                client.shutdown(socket.SHUT_WR)
            except (ConnectionError, BrokenPipeError):
                pass  # it has heard enough
            try:
                check_answer(name + " byte by byte", status, data, read_all(client))
            except ConnectionError:
                check(status >= 400, f"{name} byte by byte: no answer")
            client.close()
        count += 1
    flow = bystander.flow()
    check(flow["level"] == level and flow["state"] == "Running", f"something was granted: {flow}")
    check(count > 250, f"only {count} requests")
    bystander.end()


def refused(torvyn, folder, code, *options):
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment.update(PATH="/usr/bin:/bin", HOME=folder, TORVYN_HOME=folder, TORVYN_STATE_DIR=os.path.join(folder, "s"))
    arguments = [part for option in options for part in ("--config", f"observability.{option}")]
    done = subprocess.run([torvyn, "run", "--input", "generator:1", "--output", "refused", *arguments], cwd=folder,
                          env=environment, capture_output=True, timeout=WAIT_S)
    text = done.stderr.decode()
    check(done.returncode in (1, 2) and f"error[{code}]" in text and "help:" in text, f"{options}: {done.returncode}\n{text}")
    check(not os.path.exists(os.path.join(folder, "refused")) or
          os.path.getsize(os.path.join(folder, "refused")) == 0, f"{options}: elements were delivered")


def tcp(torvyn, guests, folder):
    with open(os.path.join(folder, "Torvyn.toml"), "w", encoding="utf-8") as file:
        file.write(MANIFEST % guests)
    path = os.path.join(folder, "token")

    def write(text, mode=0o600):
        with open(path, "wb") as file:
            file.write(text)
        os.chmod(path, mode)
    write(TOKEN.encode())
    token_file = "inspection_token_file=token"
    for address in ("127.0.0.1", "127.0.0.1:", ":9100", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http", "::1:9100",
                    "[::1]", "[]:1", "[::1]x:1", "127.1:9100", "example.com:9100", "0x7f.0.0.1:9100", "127.0.0.1:9100 ",
                    "127.0.0.1:99999999999999999999", "a" * 300 + ":1", "0.0.0.0:9100", "[::]:9100", "10.0.0.1:9100",
                    "[::ffff:127.0.0.1]:9100", "255.255.255.255:9100"):
        refused(torvyn, folder, "E0702", f"inspection_listen={address}", token_file)
    listen = "inspection_listen=127.0.0.1:0"
    refused(torvyn, folder, "E0702", listen)
    refused(torvyn, folder, "E0004", listen, "inspection_token_file=missing")
    refused(torvyn, folder, "E0702", listen, "inspection_token_file=.")
    for mode in (0o644, 0o640, 0o604, 0o620, 0o602, 0o666):
        write(TOKEN.encode(), mode)
        refused(torvyn, folder, "E0702", listen, token_file)
    for text in (b"", b"\n", TOKEN[:31].encode(), b"a" * 513, TOKEN.encode() + b"\nx", TOKEN.encode() + b" x",
                 TOKEN.encode() + b"\0", TOKEN.encode() + b"\xc3\xa4"):
        write(text)
        refused(torvyn, folder, "E0702", listen, token_file)
    os.remove(path)
    os.mkfifo(path, 0o600)
    refused(torvyn, folder, "E0702", listen, token_file)
    os.remove(path)
    taken = socket.create_server(("127.0.0.1", 0))
    write(TOKEN.encode())
    refused(torvyn, folder, "E0004", f"inspection_listen=127.0.0.1:{taken.getsockname()[1]}", token_file)
    taken.close()
    # `torvyn check` says the same of what a manifest says, and opens nothing.
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment.update(PATH="/usr/bin:/bin", HOME=folder, TORVYN_HOME=folder)
    for keys, code in (("inspection_listen = '0.0.0.0:9100'\ninspection_token_file = 'token'", 1),
                       ("inspection_listen = '127.0.0.1:9100'", 1),
                       ("inspection_listen = '127.0.0.1:9100'\ninspection_token_file = 'missing'", 0)):
        with open(os.path.join(folder, "Torvyn.toml"), "w", encoding="utf-8") as file:
            file.write(MANIFEST % guests + f"\n[observability]\n{keys}\n")
        done = subprocess.run([torvyn, "check"], cwd=folder, env=environment, capture_output=True, timeout=WAIT_S)
        check(done.returncode == code and (b"error[E0702]" in done.stderr + done.stdout) == (code == 1),
              f"check of {keys}: {done.returncode}\n{done.stderr.decode()}{done.stdout.decode()}")
    bystander = Bystander(torvyn, guests, folder, tcp=True)
    host = "%s:%d" % bystander.address
    answers = {
        f"Host: {host}\r\nAuthorization: Bearer {TOKEN}\r\n": 200,
        f"Host: localhost:{bystander.address[1]}\r\nAuthorization: Bearer {TOKEN}\r\n": 200,
        f"Host: {host}\r\n": 401,
        f"Host: {host}\r\nAuthorization: Bearer {TOKEN[:-1]}\r\n": 401,
        f"Host: {host}\r\nAuthorization: Basic {TOKEN}\r\n": 401,
        f"Host: {host}\r\nAuthorization: Bearer {TOKEN}\r\nOrigin: http://{host}\r\n": 403,
        f"Host: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n": 403,
        f"Host: evil.example\r\nAuthorization: Bearer {TOKEN}\r\n": 403,
        f"Host: evil.example:{bystander.address[1]}\r\nAuthorization: Bearer {TOKEN}\r\n": 403,
    }
    for path in ("/health", "/metrics", "/flows", "/flows/main"):
        for headers, status in answers.items():
            answer = bystander.ask(f"GET {path} HTTP/1.1\r\n{headers}\r\n".encode(), True)
            check(statuses(answer) == [status], f"{path} {headers!r}: {answer[:200]!r}")
            check(status != 401 or b"\r\nWWW-Authenticate: Bearer" in answer, f"{answer!r}")
            check(TOKEN.encode() not in answer and b"Access-Control" not in answer, f"{answer!r}")
    answer = bystander.ask(f"GET /flows/main/tap?edge=0 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
                           .encode(), True)
    check(statuses(answer) == [403], f"payloads on TCP: {answer[:200]!r}")
    connection = http.client.HTTPConnection(*bystander.address, timeout=WAIT_S)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    for word in ("pause", "resume"):
        connection.request("POST", f"/flows/main/{word}", "{}", headers)
        answer = connection.getresponse()
        answer.read()
        check(answer.status == 202, f"{word}: {answer.status}")
    connection.close()
    bystander.err.seek(0)
    check(TOKEN.encode() not in bystander.err.read(), "the token is in the log")
    bystander.end()


def slow(torvyn, guests, folder):
    bystander = Bystander(torvyn, guests, folder)
    request = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 4000
    dribbling = [bystander.connect() for _ in range(CONNECTIONS_MAX - 4)]
    sent = 0
    open_now = set(dribbling)
    # Every one of them is cut, although each keeps sending.
    end = time.monotonic() + WAIT_S
    while open_now and time.monotonic() < end:
        for client in list(open_now):
            try:
                client.send(request[sent % len(request):sent % len(request) + 1])
            except (ConnectionError, BrokenPipeError):
                open_now.discard(client)
        readable, _, _ = select.select(list(open_now), [], [], 0.05)
        for client in readable:
            try:
                answer = client.recv(4096)
            except ConnectionError:
                answer = b""
            check(answer == b"" or answer.startswith(b"HTTP/1.1 408 "), f"{answer!r}")
            open_now.discard(client)
        sent += 1
        check(bystander.healthy(), "others are not served")
    check(not open_now, f"{len(open_now)} slow clients are still there")
    for client in dribbling:
        client.close()
    # Who reads nothing: answers of many requests, until nothing more can be sent.
    deaf = []
    for _ in range(8):
        client = bystander.connect()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(0.2)
        try:
            while True:
                client.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 16)
        except TimeoutError:
            pass
        deaf.append(client)
    bystander.goes_on()

    def cut(client):
        client.settimeout(0.2)
        try:
            client.send(b"x")
            return False
        except TimeoutError:
            return False
        except OSError:
            return True
    wait_for("the end of those who do not read", lambda: all(cut(client) for client in deaf))
    for client in deaf:
        client.close()
    bystander.end()


def pipelined(torvyn, guests, folder):
    bystander = Bystander(torvyn, guests, folder)
    count = 10000
    paths = [b"/health", b"/nothing?"[:7], b"/flows"]
    client = bystander.connect()
    data = b"".join(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % paths[i % 2 * 2] for i in range(count))
    feeder = threading.Thread(target=lambda: (client.sendall(data), client.shutdown(socket.SHUT_WR)))
    feeder.start()
    answer = read_all(client)
    feeder.join()
    client.close()
    heads = [part for part in answer.split(b"HTTP/1.1 ") if part]
    check(len(heads) == count and all(part.startswith(b"200 OK\r\n") for part in heads), f"{len(heads)} answers")
    check(all((b'"flows"' in part) == (i % 2 == 1) for i, part in enumerate(heads)), "the answers are not in order")
    # A refused request is the last one of its connection.
    answer = bystander.ask(b"GET /no HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    check(statuses(answer) == [404], f"{answer!r}")
    answer = bystander.ask(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                           b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    check(statuses(answer) == [200], f"{answer!r}")
    # A large body to a request that is refused: the answer arrives all the same.
    head = b"POST /flows/main/cancel HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 4000000\r\n\r\n"
    client = bystander.connect()
    client.sendall(head + b"x" * 4000000)
    check(statuses(read_all(client)) == [415], "415 with a large body")
    client.close()
    bystander.end()


def more_descriptors(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
            except (ValueError, OSError):
                count = hard
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(count, hard) if hard != resource.RLIM_INFINITY else hard))
    return min(count, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def descriptors_of(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def idle(torvyn, guests, folder):
    wanted = 10000
    available = more_descriptors(wanted + 200)
    check(available >= wanted + 100, f"this suite needs {wanted + 100} descriptors, and may have {available}")
    bystander = Bystander(torvyn, guests, folder, tcp=True)
    before = descriptors_of(bystander.process)
    clients = []
    for i in range(wanted):
        clients.append(bystander.connect(tcp=i % 2 == 1))
        if i % 1000 == 999:
            check(descriptors_of(bystander.process) <= before + CONNECTIONS_MAX + 8, "the limit does not hold")
            check(bystander.healthy(), f"no answer beside {i + 1} connections")
    bystander.goes_on()
    check(bystander.get("/health", True).startswith(b"HTTP/1.1 200 "), "no answer on TCP")
    open_now = 0
    for client in clients:
        client.setblocking(False)
        try:
            open_now += client.recv(1) != b""
        except BlockingIOError:
            open_now += 1
        except ConnectionError:
            pass
    check(open_now <= CONNECTIONS_MAX, f"{open_now} connections are open")
    for client in clients:
        client.close()
    wait_for("their descriptors", lambda: descriptors_of(bystander.process) <= before + 8)
    bystander.end()


def descriptors(torvyn, guests, folder):
    most = 96
    bystander = Bystander(torvyn, guests, folder, descriptors=most)
    before = descriptors_of(bystander.process)
    clients = []
    for _ in range(300):  # those that it cannot take wait, or are closed
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            client.connect(bystander.socket)
        except BlockingIOError:
            time.sleep(0.001)
            client.close()
            continue
        try:
            client.send(b"GET /health HTTP/1.1\r\n")  # and they hold on to it
        except OSError:
            client.close()
            continue
        clients.append(client)
    count = descriptors_of(bystander.process)
    check(count <= most - most // 4 + 1, f"{count} of {most} descriptors are taken")
    check(count > before + 8, f"only {count - before} connections were taken")
    delivered = os.path.getsize(os.path.join(folder, "out"))
    wait_for("more output", lambda: os.path.getsize(os.path.join(folder, "out")) > delivered)
    for client in clients:
        client.close()
    bystander.goes_on()
    # None left at all: the process may not have more than it has now.
    limits = (descriptors_of(bystander.process), most)
    resource.prlimit(bystander.process.pid, resource.RLIMIT_NOFILE, limits)
    clients = []
    for _ in range(40):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            client.connect(bystander.socket)
        except BlockingIOError:
            pass
        clients.append(client)
    delivered = os.path.getsize(os.path.join(folder, "out"))
    wait_for("more output", lambda: os.path.getsize(os.path.join(folder, "out")) > delivered + 2000)
    for client in clients:
        client.close()
    resource.prlimit(bystander.process.pid, resource.RLIMIT_NOFILE, (most, most))
    bystander.end()


def main():
    torvyn, guests, what = sys.argv[1:]
    folder = tempfile.mkdtemp(prefix="torvyn-")
    suites = {"requests": requests, "tcp": tcp, "slow": slow, "pipelined": pipelined, "idle": idle,
              "descriptors": descriptors}
    try:
        suites[what](os.path.abspath(torvyn), os.path.abspath(guests), folder)
    except BaseException:  # pylint: disable=broad-except
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)  # whatever the feeding thread does; the flow ends with its input
    shutil.rmtree(folder, ignore_errors=True)


main()
