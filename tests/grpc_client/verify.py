"""Asks one question with nothing but the proto files; prints the reply, or the status with its details, as JSON.

Exit 0: a reply. 1: a status with details, so the gateway itself refused. 2: anything else.
"""

import json
import pathlib
import sys
import tempfile

import grpc
import grpc_tools
from google.protobuf import any_pb2, json_format
from google.rpc import error_details_pb2, status_pb2  # noqa: F401  (registers the details' types)
from grpc_status import rpc_status
from grpc_tools import protoc

import connection

PROTOS = pathlib.Path(__file__).resolve().parents[2] / "proto"


def compile_protos(folder: str) -> None:
    """Generates Python for every file under proto/ into the folder and makes it importable."""
    files = sorted(str(file.relative_to(PROTOS)) for file in PROTOS.rglob("*.proto"))
    standard = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    outputs = [f"--python_out={folder}", f"--grpc_python_out={folder}"]
    code = protoc.main(["protoc", f"-I{PROTOS}", f"-I{standard}", *outputs, *files])
    if code != 0:
        raise SystemExit(2)
    sys.path.insert(0, folder)


def show(detail: any_pb2.Any) -> dict:
    """One detail, with its type's name."""
    return json_format.MessageToDict(detail, preserving_proto_field_name=True)


def main() -> int:
    parser = connection.arguments(__doc__)
    parser.add_argument("request", help="VerifyRequest as JSON, or - to read it from standard input")
    options = parser.parse_args()
    text = sys.stdin.read() if options.request == "-" else options.request

    with tempfile.TemporaryDirectory() as folder:
        compile_protos(folder)
        from heyan.gateway.v1 import verification_pb2, verification_pb2_grpc

        request = json_format.Parse(text, verification_pb2.VerifyRequest())
        with connection.connect(options) as channel:
            stub = verification_pb2_grpc.VerificationStub(channel)
            try:
                reply = stub.Verify(request, timeout=options.timeout)
            except grpc.RpcError as error:
                status = rpc_status.from_call(error)
                details = [show(detail) for detail in status.details] if status else []
                refusal = {"code": error.code().name, "message": error.details(), "details": details}
                print(json.dumps(refusal, ensure_ascii=False, indent=2))
                return 1 if details else 2
        print(json_format.MessageToJson(reply, preserving_proto_field_name=True, ensure_ascii=False))
        return 0


if __name__ == "__main__":
    sys.exit(main())
