#!/usr/bin/env python3
"""Writes the small models of these tests beside itself. Needs Debian's python3-onnx; run it with /usr/bin/python3."""
import pathlib

import onnx
from onnx import TensorProto, helper
from onnx.helper import make_graph, make_node, make_operatorsetid, make_tensor, make_tensor_value_info

HERE = pathlib.Path(__file__).parent
TYPES = {
    "float": TensorProto.FLOAT, "double": TensorProto.DOUBLE, "float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16,
    "int8": TensorProto.INT8, "int16": TensorProto.INT16, "int32": TensorProto.INT32, "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8, "uint16": TensorProto.UINT16, "uint32": TensorProto.UINT32, "uint64": TensorProto.UINT64,
    "bool": TensorProto.BOOL, "string": TensorProto.STRING,
}


def save(name, nodes, inputs, outputs, initializers=(), metadata=None, **model):
    graph = make_graph(nodes, name, inputs, outputs, list(initializers))
    made = helper.make_model(graph, opset_imports=[make_operatorsetid("", 16)], ir_version=8, producer_name="make_models", **model)
    helper.set_model_props(made, metadata or {})
    onnx.checker.check_model(made)
    onnx.save(made, HERE / f"{name}.onnx")


def value(name, element, shape):
    return make_tensor_value_info(name, element, shape)


for type_name, element in TYPES.items():
    save(f"identity_{type_name}", [make_node("Identity", ["x"], ["y"])], [value("x", element, ["n"])], [value("y", element, ["n"])])

for type_name in ("float", "double", "float16", "int32", "int64"):
    element = TYPES[type_name]
    save(f"add_{type_name}", [make_node("Add", ["a", "b"], ["sum"])],
         [value("a", element, ["n"]), value("b", element, ["n"])], [value("sum", element, ["n"])])

# y = x . [[1, 10, 100], [2, 20, 200], [3, 30, 300], [4, 40, 400]]
save("matmul", [make_node("MatMul", ["x", "w"], ["y"])],
     [value("x", TensorProto.FLOAT, ["batch", 4])], [value("y", TensorProto.FLOAT, ["batch", 3])],
     [make_tensor("w", TensorProto.FLOAT, [4, 3], [i * ten for i in (1, 2, 3, 4) for ten in (1, 10, 100)])],
     metadata={"author": "the tests", "größe": "klein"}, doc_string="x times a constant matrix", domain="test.models", model_version=7)

# Which shapes go together is known only when it runs.
save("reshape", [make_node("Reshape", ["x", "shape"], ["y"])],
     [value("x", TensorProto.FLOAT, ["n"]), value("shape", TensorProto.INT64, [2])], [value("y", TensorProto.FLOAT, ["a", "b"])])

# Counts to `trips`, one operator at a time: as long a run as a test likes.
body = make_graph(
    [make_node("Identity", ["go"], ["go_on"]), make_node("Add", ["count", "one"], ["counted"])], "body",
    [value("trip", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("count", TensorProto.INT64, [])],
    [value("go_on", TensorProto.BOOL, []), value("counted", TensorProto.INT64, [])],
    [make_tensor("one", TensorProto.INT64, [], [1])])
save("loop", [make_node("Loop", ["trips", "", "start"], ["count"], body=body)],
     [value("trips", TensorProto.INT64, []), value("start", TensorProto.INT64, [])], [value("count", TensorProto.INT64, [])])

save("sequence", [make_node("SequenceConstruct", ["a", "b"], ["pair"])],
     [value("a", TensorProto.FLOAT, ["n"]), value("b", TensorProto.FLOAT, ["n"])],
     [helper.make_tensor_sequence_value_info("pair", TensorProto.FLOAT, ["n"])])
