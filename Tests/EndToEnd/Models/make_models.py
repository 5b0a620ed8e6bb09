#!/usr/bin/env python3
"""Writes the models beside it, with Debian's python3-onnx: small ones that misbehave in a known way."""
import os

from onnx import TensorProto, helper

HERE = os.path.dirname(os.path.abspath(__file__))


def save(name, nodes, inputs, outputs, initializers=()):
    graph = helper.make_graph(nodes, name, inputs, outputs, list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    with open(os.path.join(HERE, name, "1", "model.onnx"), "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


# Ten times the index; fails, with the whole batch, on an index beyond 9.
table = helper.make_tensor("table", TensorProto.FLOAT, [10], [10.0 * i for i in range(10)])
save(
    "lookup",
    [helper.make_node("Gather", ["table", "index"], ["value"])],
    [helper.make_tensor_value_info("index", TensorProto.INT64, ["batch"])],
    [helper.make_tensor_value_info("value", TensorProto.FLOAT, ["batch"])],
    [table],
)

# Claims one output a row, and gives one for the whole batch: it can't be cut apart.
save(
    "total",
    [helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=1)],
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch"])],
    [helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["any"])],
)
