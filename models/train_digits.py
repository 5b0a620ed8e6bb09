#!/usr/bin/env python3
"""Trains the digits classifier and writes models/digits: the ONNX model and the files that tests and documents use.

Needs Debian's python3-sklearn and python3-onnx (or the same from PyPI). The same versions on the same processor family give
the same bytes. Exits with 1, and writes nothing, when the held-out accuracy is below the bar.
"""

import argparse
import json
import os
import pathlib
import sys
import warnings

# One thread: the order of floating-point sums, hence every weight, must not depend on the machine's core count.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

SEED = 7
HELD_OUT = 360
LAYERS = (128, 64)
ACCURACY_BAR = 0.97
OPSET, IR_VERSION = 17, 8  # The newest that python3-onnx 1.12 writes; ONNX Runtime reads these and everything newer it knows.


def train(images, labels):
    """Layer sizes and alpha were chosen on a validation part of the training set; the held-out set took no part in it."""
    # The number of epochs is a choice, like the sizes: stopping there is not a failure to converge.
    warnings.simplefilter("ignore", ConvergenceWarning)
    network = MLPClassifier(LAYERS, alpha=0.01, max_iter=60, n_iter_no_change=60, random_state=SEED)
    network.fit(images.reshape(len(images), -1) / 16, labels)
    return [(w.astype(np.float32), b.astype(np.float32)) for w, b in zip(network.coefs_, network.intercepts_)]


def predict(layers, images):
    """The graph's arithmetic in numpy: float32 as in the file, so that the accuracy printed is the file's own."""
    values = images.reshape(len(images), -1).astype(np.float32) * np.float32(1 / 16)
    for index, (weights, bias) in enumerate(layers):
        values = values @ weights + bias
        if index < len(layers) - 1:
            values = np.maximum(values, 0)
    return values.argmax(axis=1)


def build(layers, accuracy):
    """image -> scale -> (Gemm -> Relu)* -> Gemm -> Softmax, ArgMax. Every operator has CPU and CUDA kernels."""
    constants = [numpy_helper.from_array(np.array(1 / 16, np.float32), "pixel_scale")]
    nodes = [
        helper.make_node("Flatten", ["image"], ["pixels"], axis=1),
        helper.make_node("Mul", ["pixels", "pixel_scale"], ["hidden_0"]),
    ]
    for index, (weights, bias) in enumerate(layers):
        constants += [numpy_helper.from_array(weights, f"weights_{index}"), numpy_helper.from_array(bias, f"bias_{index}")]
        last = index == len(layers) - 1
        sums = "logits" if last else f"sums_{index}"
        nodes.append(helper.make_node("Gemm", [f"hidden_{index}", f"weights_{index}", f"bias_{index}"], [sums]))
        if not last:
            nodes.append(helper.make_node("Relu", [sums], [f"hidden_{index + 1}"]))
    nodes += [
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["logits"], ["label"], axis=1, keepdims=0),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 8, 8], "Pixels 0 (white) to 16 (black), row by row.")
    probabilities = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 10], "One per digit; a row sums to 1.")
    label = helper.make_tensor_value_info("label", TensorProto.INT64, ["batch"], "The most probable digit.")
    graph = helper.make_graph(nodes, "digits", [image], [probabilities, label], constants)
    model = helper.make_model(
        graph, producer_name="train_digits.py", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, model_version=1,
        doc_string="Classifies 8x8 handwritten digits.")
    helper.set_model_props(model, {
        "name": "digits",
        "version": "1",
        "description": "Classifies 8x8 handwritten digits (UCI Optical Recognition of Handwritten Digits).",
        "licence": "MIT (model); CC BY 4.0 (data)",
        "accuracy": f"{accuracy:.4f}",
    })
    onnx.checker.check_model(model, full_check=True)
    return model


def rows(image):
    """A digit as eight lines of eight integers: it can be read by eye in a JSON file."""
    return ",\n".join("      " + ", ".join(f"{int(pixel):2d}" for pixel in row) for row in image)


def write_samples(folder, samples):
    text = ",\n".join(f'  {{\n    "label": {label},\n    "image": [\n{rows(image)}\n    ]\n  }}' for label, image in samples)
    (folder / "samples.json").write_text(f"[\n{text}\n]\n")
    json.loads((folder / "samples.json").read_text())


def write_request(folder, label, image):
    """A request body of the Open Inference Protocol v2."""
    text = (f'{{\n  "id": "digit-{label}",\n  "inputs": [{{\n    "name": "image",\n    "shape": [1, 8, 8],\n    "datatype": "FP32",\n'
            f'    "data": [\n{rows(image)}\n    ]\n  }}]\n}}\n')
    (folder / "example-request.json").write_text(text)
    json.loads(text)


def write_held_out(folder, images, labels):
    header = ",".join(["label"] + [f"p{row}{column}" for row in range(8) for column in range(8)])
    lines = [",".join(str(int(value)) for value in [label, *image.ravel()]) for image, label in zip(images, labels)]
    (folder / "heldout.csv").write_text("\n".join([header, *lines]) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / "digits")
    folder = parser.parse_args().output

    data = load_digits()
    images, held_images, labels, held_labels = train_test_split(
        data.images, data.target, test_size=HELD_OUT, stratify=data.target, random_state=SEED)
    layers = train(images, labels)
    predicted = predict(layers, held_images)
    correct = predicted == held_labels
    accuracy = correct.mean()
    print(f"held-out accuracy {accuracy:.4f} ({correct.sum()} of {len(correct)}), trained on {len(labels)}")
    for digit in range(10):
        print(f"  digit {digit}: recall {correct[held_labels == digit].mean():.3f}, precision {correct[predicted == digit].mean():.3f}")
    if accuracy < ACCURACY_BAR:
        print(f"below the bar of {ACCURACY_BAR}: nothing written", file=sys.stderr)
        return 1

    (folder / "1").mkdir(parents=True, exist_ok=True)
    onnx.save(build(layers, accuracy), str(folder / "1" / "model.onnx"))
    samples = [(digit, held_images[(held_labels == digit) & correct][0]) for digit in range(10)]
    write_samples(folder, samples)
    write_request(folder, *samples[7])
    write_held_out(folder, held_images, held_labels)
    return 0


if __name__ == "__main__":
    sys.exit(main())
