"""An OpenTelemetry collector for tests, made of packages that are not ours, and peers that are none.

A collector listens on 127.0.0.1 at a port of the system's choice, speaks OTLP by gRPC or HTTP (Protocol Buffers and
JSON) and keeps what it receives as messages of opentelemetry-proto.
"""
import base64
import binascii
import http.server
import json
import socket
import ssl
import threading
from concurrent import futures

import grpc
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

IDS = ("traceId", "spanId", "parentSpanId")


class Received:
    """What came, in order; any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.metrics = []  # ExportMetricsServiceRequest
        self.traces = []  # ExportTraceServiceRequest
        self.headers = []
        self.errors = []  # what no good client does

    def add(self, kind, request, headers):
        with self.lock:
            getattr(self, kind).append(request)
            self.headers.append({name.lower(): value for name, value in headers})

    def wrong(self, text):
        with self.lock:
            self.errors.append(text)


class Grpc:
    """`answers` may hold what to abort with, one (code, text, metadata) a request, before all goes well."""

    def __init__(self, answers=(), rejected=0):
        self.received = Received()
        self.answers = list(answers)
        self.rejected = rejected
        self.server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
        outer = self

        class Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
            def Export(self, request, context):
                outer.take("metrics", request, context)
                response = metrics_service_pb2.ExportMetricsServiceResponse()
                response.partial_success.rejected_data_points = outer.rejected
                return response

        class Traces(trace_service_pb2_grpc.TraceServiceServicer):
            def Export(self, request, context):
                outer.take("traces", request, context)
                response = trace_service_pb2.ExportTraceServiceResponse()
                response.partial_success.rejected_spans = outer.rejected
                return response

        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(Metrics(), self.server)
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Traces(), self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def take(self, kind, request, context):
        if self.answers:
            code, text, metadata = self.answers.pop(0)
            context.set_trailing_metadata(metadata)
            context.abort(code, text)
        self.received.add(kind, request, context.invocation_metadata())

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.server.stop(0).wait()


def ids_to_base64(value):
    """OTLP's JSON has ids in hexadecimal, where Protocol Buffers' own has base64."""
    if isinstance(value, list):
        return [ids_to_base64(item) for item in value]
    if isinstance(value, dict):
        return {name: base64.b64encode(binascii.unhexlify(item)).decode() if name in IDS else ids_to_base64(item)
                for name, item in value.items()}
    return value


def check_numbers(value, name=""):
    """64-bit integers are strings."""
    if isinstance(value, list):
        for item in value:
            check_numbers(item, name)
    elif isinstance(value, dict):
        for key, item in value.items():
            check_numbers(item, key)
    elif isinstance(value, int) and not isinstance(value, bool) and \
            (name.endswith("UnixNano") or name in ("asInt", "intValue", "count", "bucketCounts")):
        raise ValueError(f"'{name}' is a number")


class Http:
    """`answers` may hold (status, headers), one a request, before all goes well."""

    KINDS = {"/v1/metrics": ("metrics", metrics_service_pb2.ExportMetricsServiceRequest,
                             metrics_service_pb2.ExportMetricsServiceResponse),
             "/v1/traces": ("traces", trace_service_pb2.ExportTraceServiceRequest,
                            trace_service_pb2.ExportTraceServiceResponse)}

    def __init__(self, answers=(), rejected=0):
        self.received = Received()
        self.answers = list(answers)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, headers, body=b""):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if outer.answers:
                    self.answer(*outer.answers.pop(0))
                    return
                kind, request_type, response_type = outer.KINDS[self.path]
                request, response = request_type(), response_type()
                content_type = self.headers["Content-Type"]
                try:
                    if content_type == "application/json":
                        value = json.loads(body)
                        check_numbers(value)
                        json_format.ParseDict(ids_to_base64(value), request)
                    elif content_type == "application/x-protobuf":
                        request.ParseFromString(body)
                    else:
                        raise ValueError(f"content type '{content_type}'")
                except Exception as error:  # whatever it is, the client is wrong
                    outer.received.wrong(f"{self.path}: {error}: {body[:300]!r}")
                    self.answer(400, [])
                    return
                outer.received.add(kind, request, self.headers.items())
                if rejected:
                    field = "rejected_data_points" if kind == "metrics" else "rejected_spans"
                    setattr(response.partial_success, field, rejected)
                answer = json_format.MessageToJson(response).encode() if content_type == "application/json" else \
                    response.SerializeToString()
                self.answer(200, [("Content-Type", content_type)], answer)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Peer:
    """No collector: `serve(connection)` is called for every connection, on a thread of its own."""

    def __init__(self, serve):
        self.serve = serve
        self.connections = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        with connection:
            try:
                self.serve(connection)
            except OSError:
                pass

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.socket.close()


def read_some(connection):
    return connection.recv(65536)


def silent(connection):
    while read_some(connection):
        pass


def garbage(connection):
    read_some(connection)
    connection.sendall(bytes(range(256)) * 256)


def html(connection):
    read_some(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>")


def enormous(connection):
    read_some(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
    for _ in range(1600):
        connection.sendall(b"x" * 65536)


def enormous_headers(connection):
    read_some(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(200000):
        connection.sendall(b"X-%d: %s\r\n" % (number, b"y" * 400))


def cut(connection):
    read_some(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n123")


def trickle(connection):
    """A byte now and then, for ever."""
    read_some(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    stop = threading.Event()
    while not stop.wait(0.05):
        connection.sendall(b"x")


def behind_tls(certificate, key, requests):
    """Keeps what arrives after the handshake in `requests`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2", "http/1.1"])

    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as inner:
            data = inner.recv(65536)
            if data:
                requests.append(data)
    return serve


def later(connection):
    read_some(connection)
    connection.sendall(b"HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n")


def redirect_to(url):
    def serve(connection):
        read_some(connection)
        connection.sendall(f"HTTP/1.1 307 There\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode())
    return serve


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def literal(name, value):
    """A header of HTTP/2 without compression or index."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


STATUS_200 = b"\x88"


def http2(*frames):
    """Reads a request of HTTP/2 to its end and answers on stream 1."""
    def serve(connection):
        connection.sendall(frame(4, 0, 0, b""))
        data = b""
        while b"\0\x01" not in data[24:] or not ended(data[24:]):
            more = read_some(connection)
            if not more:
                return
            data += more
        connection.sendall(frame(4, 1, 0, b""))
        for one in frames:
            connection.sendall(one)
        silent(connection)
    return serve


def ended(data):
    """Is there a frame of stream 1 with END_STREAM?"""
    while len(data) >= 9:
        length = int.from_bytes(data[:3], "big")
        if len(data) < 9 + length:
            return False
        if data[3] in (0, 1) and data[4] & 1 and int.from_bytes(data[5:9], "big") == 1:
            return True
        data = data[9 + length:]
    return False


NO_TRAILERS = http2(frame(1, 4, 1, STATUS_200 + literal(b"content-type", b"application/grpc")),
                    frame(0, 1, 1, b"\0\0\0\0\0"))
NO_STATUS = http2(frame(1, 4, 1, STATUS_200), frame(0, 0, 1, b"\0\0\0\0\0"), frame(1, 5, 1, literal(b"x", b"y")))
BAD_HPACK = http2(frame(1, 5, 1, b"\xff\xff\xff\xff\xff\xff"))
GO_AWAY = http2(frame(7, 0, 0, (0).to_bytes(4, "big") + (2).to_bytes(4, "big")))
RESET = http2(frame(3, 0, 1, (7).to_bytes(4, "big")))
BAD_FRAME = http2(frame(1, 4, 1, STATUS_200), frame(0, 0, 1, b"\0\xff\xff\xff\xff123"),
                  frame(1, 5, 1, literal(b"grpc-status", b"0")))
PING_FLOOD = http2(*[frame(6, 0, 0, b"12345678")] * 20000)
