"""One mutual-TLS connection from paths on the command line."""

import argparse
import pathlib

import grpc


def arguments(description: str) -> argparse.ArgumentParser:
    """The options that every script here shares."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--gateway", required=True, help="HOST:PORT")
    parser.add_argument("--authority", required=True, type=pathlib.Path, help="PEM of the gateway's authority")
    parser.add_argument("--certificate", required=True, type=pathlib.Path, help="PEM of the client's certificate")
    parser.add_argument("--key", required=True, type=pathlib.Path, help="PEM of its private key")
    parser.add_argument("--server-name", default="localhost", help="name in the gateway's certificate")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds")
    return parser


def connect(options: argparse.Namespace) -> grpc.Channel:
    """A channel that has not connected yet."""
    credentials = grpc.ssl_channel_credentials(
        root_certificates=options.authority.read_bytes(),
        private_key=options.key.read_bytes(),
        certificate_chain=options.certificate.read_bytes(),
    )
    name = [("grpc.ssl_target_name_override", options.server_name)]
    return grpc.secure_channel(options.gateway, credentials, options=name)
