"""Lists what the gateway serves, one service a line, over gRPC reflection (v1alpha, the version grpcio speaks)."""

import sys

import grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

import connection


def main() -> int:
    options = connection.arguments(__doc__).parse_args()
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with connection.connect(options) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        try:
            for reply in stub.ServerReflectionInfo(iter([request]), timeout=options.timeout):
                for service in reply.list_services_response.service:
                    print(service.name)
        except grpc.RpcError as error:
            print(f"{error.code().name}: {error.details()}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
