# What a client in Python gets that has no file of the protocol: it learns the messages by reflection. Its argument is JSON, its answer too.
import json
import struct
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

given = json.loads(sys.argv[1])
SERVICE = "inference.GRPCInferenceService"
REFLECTION = "grpc.reflection.v1alpha"


def made(pool, name):
    described = pool.FindMessageTypeByName(name)
    later = getattr(message_factory, "GetMessageClass", None)  # since protobuf 4.22
    return later(described) if later else message_factory.MessageFactory(pool).GetPrototype(described)


def reflection():
    """The messages of reflection, which has a file of its own: what is asked here, by its published names and numbers."""
    def message(file, name, *fields):
        described = file.message_type.add(name=name)
        for number, field, kind, repeated in fields:
            added = described.field.add(name=field, number=number, label=3 if repeated else 1)
            if isinstance(kind, str):
                added.type, added.type_name = 11, f".{REFLECTION}.{kind}"
            else:
                added.type = kind

    text, data, whole = 9, 12, 5
    file = descriptor_pb2.FileDescriptorProto(name="reflection.proto", package=REFLECTION, syntax="proto3")
    message(file, "ServerReflectionRequest", (1, "host", text, False), (3, "file_by_filename", text, False),
            (4, "file_containing_symbol", text, False), (7, "list_services", text, False))
    message(file, "FileDescriptorResponse", (1, "file_descriptor_proto", data, True))
    message(file, "ServiceResponse", (1, "name", text, False))
    message(file, "ListServiceResponse", (1, "service", "ServiceResponse", True))
    message(file, "ErrorResponse", (1, "error_code", whole, False), (2, "error_message", text, False))
    message(file, "ServerReflectionResponse", (4, "file_descriptor_response", "FileDescriptorResponse", False),
            (6, "list_services_response", "ListServiceResponse", False), (7, "error_response", "ErrorResponse", False))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return made(pool, f"{REFLECTION}.ServerReflectionRequest"), made(pool, f"{REFLECTION}.ServerReflectionResponse")


def headers(key):
    return [("authorization", f"Bearer {key}")]


def learn(channel):
    """The services, and a pool of what one of them says and hears."""
    request, response = reflection()
    ask = channel.stream_stream(
        f"/{REFLECTION}.ServerReflection/ServerReflectionInfo", request.SerializeToString, response.FromString)
    questions = [request(list_services="*"), request(file_containing_symbol=SERVICE), request(file_containing_symbol="no.Such")]
    services, files, unknown = ask(iter(questions), metadata=headers(given["key"]), timeout=given["seconds"])
    pool = descriptor_pool.DescriptorPool()
    for described in files.file_descriptor_response.file_descriptor_proto:
        pool.Add(descriptor_pb2.FileDescriptorProto.FromString(described))
    names = [service.name for service in services.list_services_response.service]
    return names, unknown.error_response.error_code, pool


def refusal(error):
    trailers = dict(error.trailing_metadata() or ())
    return {"refused": error.code().name, "details": error.details(), "retry_after": trailers.get("retry-after")}


def floats(raw):
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def main():
    # Not by a proxy that the environment names: the address is this machine's.
    with grpc.insecure_channel(given["address"], options=[("grpc.enable_http_proxy", 0)]) as channel:
        names, unknown, pool = learn(channel)
        methods = pool.FindServiceByName(SERVICE).methods_by_name

        def method(name, shape=channel.unary_unary):
            described = methods[name]
            answer = made(pool, described.output_type.full_name)
            return made(pool, described.input_type.full_name), shape(
                f"/{SERVICE}/{name}", lambda message: message.SerializeToString(), answer.FromString)

        def call(called, key=given["key"], **fields):
            message, invoke = method(called)
            try:
                return invoke(json_format.ParseDict(fields, message()), metadata=headers(key), timeout=given["seconds"])
            except grpc.RpcError as error:
                return refusal(error)

        def one(values, **more):
            return {"model_name": given["model"], "inputs": [{
                "name": "x", "datatype": "FP32", "shape": [len(values)], "contents": {"fp32_contents": values}}], **more}

        def numbers(answer):
            return answer if isinstance(answer, dict) else floats(answer.raw_output_contents[0])

        message, stream = method("ModelStreamInfer", channel.stream_stream)
        requests = [json_format.ParseDict(r, message()) for r in (
            one([5], id="one"), one([6], id="two", model_name="nothing"), one([7], id="three"))]
        streamed = {
            answer.infer_response.id: answer.error_message or floats(answer.infer_response.raw_output_contents[0])
            for answer in stream(iter(requests), metadata=headers(given["key"]), timeout=given["seconds"])}

        json.dump({
            "services": names,
            "unknown_symbol": unknown,
            "ready": call("ServerReady").ready,
            "metadata": json_format.MessageToDict(call("ModelMetadata", name=given["model"])),
            "typed": numbers(call("ModelInfer", **one([0.25, 8]))),
            "unknown": call("ModelInfer", **one([1], model_name="nothing")),
            "wrong": call("ModelInfer", **one([1], raw_input_contents=["AAAA"])),
            "stranger": call("ServerMetadata", key="nobody_secret"),
            "stream": streamed,
        }, sys.stdout)


main()
