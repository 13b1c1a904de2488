"""An adapter in Python: was this person cremated (fact M3)? The records are a CSV file.

The gateway starts it when a manifest says so:
    [grpc]
    command = ["python3", "adapter.py", "cremations.csv"]
Or somebody runs it elsewhere, for callers whose certificates come from the authority in CLIENTS:
    python3 adapter.py cremations.csv HOST:PORT CERTIFICATE KEY CLIENTS

Needs `pip install grpcio-tools`, and the folder `proto` beside this file's folder. docs/adapter-programs.md says what
is asked of such a program.
"""

import csv
import os
import pathlib
import sys
from concurrent import futures

import grpc

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "proto"))
wire, service = grpc.protos_and_services("heyan/adapter/v1/adapter.proto")


class Cremations(service.AdapterServicer):
    def __init__(self, records: pathlib.Path):
        self.records = records

    def Describe(self, request, context):
        if not request.lowest_protocol <= 1 <= request.highest_protocol:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "only protocol 1 is spoken here")
        return wire.DescribeResponse(protocol=1, version="1.0.0", facts=["M3"])

    def Check(self, request, context):
        return wire.CheckResponse(reachable=self.records.is_file(), advice="is the CSV file there?")

    def Fetch(self, request, context):
        number = request.subjects[0].person.document_number
        try:
            # Read anew each time: whoever keeps the records may replace the file at any moment.
            with self.records.open(encoding="utf-8", newline="") as file:
                as_of = int(os.fstat(file.fileno()).st_mtime)
                row = next((row for row in csv.DictReader(file) if row["number"] == number), None)
        except FileNotFoundError:
            # Not to know is never a "no".
            return wire.FetchResponse(unavailable=wire.Unavailable(reason="maintenance"))
        reply = wire.FetchResponse()
        if row is None:
            reply.not_found.as_of.FromSeconds(as_of)
            return reply
        reply.found.as_of.FromSeconds(as_of)
        reply.found.subjects_checked.append(0)
        reply.found.attributes["cremated"].truth = True
        reply.found.attributes["cremated_on"].date = row["cremated_on"]
        return reply


def main(records: str, address: str = "", *files: str) -> None:
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    service.add_AdapterServicer_to_server(Cremations(pathlib.Path(records)), server)
    if not address:
        server.add_insecure_port("unix:" + os.environ["HEYAN_ADAPTER_SOCKET"])
        server.start()
        # The gateway holds the other end; when it is gone, so are we.
        sys.stdin.buffer.read()
        server.stop(grace=1).wait()
        return
    certificate, key, clients = (pathlib.Path(file).read_bytes() for file in files)
    terms = grpc.ssl_server_credentials([(key, certificate)], clients, require_client_auth=True)
    port = server.add_secure_port(address, terms)
    server.start()
    print(f"listening on port {port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
