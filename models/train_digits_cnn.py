#!/usr/bin/env python3
"""Trains the convolutional digits classifier and writes models/digits/2 (FP32) and models/digits/3 (the same weights in FP16).

Needs Debian's python3-sklearn and python3-onnx, and takes some minutes on one core. The same versions give the same bytes on any
x86-64 processor with AVX2: threads and the choice of processor-specific code are fixed below. Exits with 1, and writes nothing, when
the held-out accuracy is below the bar, or not above that of version 1.
"""

import argparse
import os
import pathlib
import sys

# Before numpy is loaded: one thread, and the same code on processors that could do more, since the order of sums decides every weight.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_CORETYPE="Haswell")
os.environ["NPY_DISABLE_CPU_FEATURES"] = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from scipy.ndimage import affine_transform
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from train_digits import HELD_OUT, IR_VERSION, OPSET, SEED

CHANNELS, HIDDEN = (16, 32), 64
EPOCHS, BATCH, RATE, DECAY, DROPOUT = 80, 64, 2e-3, 1e-4, 0.25
TURN, SHIFT, ZOOM = 6, 0.4, 0.05  # How far training images are turned (degrees), moved (pixels) and scaled at random.
ACCURACY_BAR = 0.985


def patches(images):
    """The 3x3 surroundings of each pixel of images [n, 8, 8, c], as rows [n * 64, 9 * c]."""
    n, height, width, channels = images.shape
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    parts = [padded[:, y:y + height, x:x + width] for y in range(3) for x in range(3)]
    return np.concatenate(parts, axis=3).reshape(n * height * width, 9 * channels)


def unpatch(rows, shape):
    """The reverse of patches for gradients: what went to many places comes back summed."""
    n, height, width, channels = shape
    rows = rows.reshape(n, height, width, 9, channels)
    padded = np.zeros((n, height + 2, width + 2, channels), rows.dtype)
    for place in range(9):
        y, x = divmod(place, 3)
        padded[:, y:y + height, x:x + width] += rows[:, :, :, place]
    return padded[:, 1:-1, 1:-1]


def initial(random):
    sizes = [(9, CHANNELS[0]), (9 * CHANNELS[0], CHANNELS[1]), (16 * CHANNELS[1], HIDDEN), (HIDDEN, 10)]
    weights = []
    for fan_in, out in sizes:
        weights += [random.standard_normal((fan_in, out)).astype(np.float32) * np.float32(np.sqrt(2 / fan_in)), np.zeros(out, np.float32)]
    return weights


def forward(weights, images, mask=None):
    """Logits of images [n, 8, 8] scaled to 0..1, and what the way back needs."""
    w1, b1, w2, b2, w3, b3, w4, b4 = weights
    n = len(images)
    in1 = patches(images[..., None])
    out1 = np.maximum(in1 @ w1 + b1, 0)
    in2 = patches(out1.reshape(n, 8, 8, -1))
    out2 = np.maximum(in2 @ w2 + b2, 0).reshape(n, 4, 2, 4, 2, -1)
    pooled = out2.max(axis=(2, 4))
    flat = pooled.reshape(n, -1)
    hidden = np.maximum(flat @ w3 + b3, 0)
    kept = hidden if mask is None else hidden * mask
    return kept @ w4 + b4, (in1, out1, in2, out2, pooled, flat, hidden, kept)


def gradients(weights, images, labels, mask):
    """Of the mean cross-entropy."""
    _, _, w2, _, w3, _, w4, _ = weights
    logits, (in1, out1, in2, out2, pooled, flat, hidden, kept) = forward(weights, images, mask)
    n = len(images)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    error = odds / odds.sum(axis=1, keepdims=True)
    error[np.arange(n), labels] -= 1
    error /= np.float32(n)
    g4 = kept.T @ error
    e3 = (error @ w4.T) * mask * (hidden > 0)
    g3 = flat.T @ e3
    e2 = (e3 @ w3.T).reshape(pooled.shape)[:, :, None, :, None] * (out2 == pooled[:, :, None, :, None]) * (out2 > 0)
    e2 = e2.reshape(n * 64, -1)
    g2 = in2.T @ e2
    e1 = unpatch(e2 @ w2.T, (n, 8, 8, CHANNELS[0])).reshape(n * 64, -1) * (out1 > 0)
    return [in1.T @ e1, e1.sum(0), g2, e2.sum(0), g3, e3.sum(0), g4, error.sum(0)]


def vary(images, random):
    """Each image a little turned, moved and scaled, as another hand might have written it."""
    turns = np.deg2rad(random.uniform(-TURN, TURN, len(images)))
    zooms = random.uniform(1 - ZOOM, 1 + ZOOM, (len(images), 2))
    moves = random.uniform(-SHIFT, SHIFT, (len(images), 2))
    varied = np.empty_like(images)
    for i, image in enumerate(images):
        cosine, sine = np.cos(turns[i]), np.sin(turns[i])
        matrix = np.array([[cosine, -sine], [sine, cosine]]) * zooms[i]
        centre = np.array([3.5, 3.5])
        varied[i] = affine_transform(image, matrix, centre - matrix @ centre + moves[i], order=1)
    return varied


def train(images, labels):
    """Adam with weight decay and a rate that falls to zero. Its settings were chosen by cross-validation within the training set."""
    random = np.random.default_rng(SEED)
    weights = initial(random)
    first, second = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    images = images.astype(np.float32) / 16
    steps, step = EPOCHS * (len(images) // BATCH), 0
    for epoch in range(EPOCHS):
        varied = vary(images, random)
        order = random.permutation(len(images))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[start:start + BATCH]
            mask = ((random.random((BATCH, HIDDEN)) >= DROPOUT) / (1 - DROPOUT)).astype(np.float32)
            rate = RATE * (1 - step / steps)
            step += 1
            for i, gradient in enumerate(gradients(weights, varied[chosen], labels[chosen], mask)):
                first[i] += 0.1 * (gradient - first[i])
                second[i] += 0.001 * (gradient * gradient - second[i])
                change = first[i] / (1 - 0.9 ** step) / (np.sqrt(second[i] / (1 - 0.999 ** step)) + 1e-8)
                weights[i] = (weights[i] - rate * (change + DECAY * weights[i])).astype(np.float32)
    return weights


def predict(weights, images):
    return forward(weights, images.astype(np.float32) / 16)[0].argmax(axis=1)


def build(weights, version, accuracy, half):
    """image -> scale -> (Conv, Relu) twice -> MaxPool -> Gemm, Relu -> Gemm -> Softmax, ArgMax.

    The FP16 variant takes and gives the same types: casts stand at both ends, and all between is FP16. CUDA has kernels for all of it;
    on the CPU ONNX Runtime puts casts around the operators that it computes in FP32 only.
    """
    number = np.float16 if half else np.float32
    convolutions = [w.reshape(3, 3, -1, w.shape[1]).transpose(3, 2, 0, 1) for w in (weights[0], weights[2])]
    # The graph flattens [channels, 4, 4], training flattened [4, 4, channels].
    dense = weights[4].reshape(4, 4, CHANNELS[1], HIDDEN).transpose(2, 0, 1, 3).reshape(-1, HIDDEN)
    values = {
        "pixel_scale": np.array(1 / 16), "conv_0": convolutions[0], "conv_bias_0": weights[1], "conv_1": convolutions[1],
        "conv_bias_1": weights[3], "dense_0": dense, "dense_bias_0": weights[5], "dense_1": weights[6], "dense_bias_1": weights[7],
    }
    constants = [numpy_helper.from_array(np.ascontiguousarray(value.astype(number)), name) for name, value in values.items()]
    constants.append(numpy_helper.from_array(np.array([1], np.int64), "channel_axis"))
    node = helper.make_node
    convolution = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        *([node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT16)] if half else []),
        node("Mul", ["pixels" if half else "image", "pixel_scale"], ["scaled"]),
        node("Unsqueeze", ["scaled", "channel_axis"], ["plane"]),
        node("Conv", ["plane", "conv_0", "conv_bias_0"], ["sums_0"], **convolution),
        node("Relu", ["sums_0"], ["maps_0"]),
        node("Conv", ["maps_0", "conv_1", "conv_bias_1"], ["sums_1"], **convolution),
        node("Relu", ["sums_1"], ["maps_1"]),
        node("MaxPool", ["maps_1"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["pooled"], ["features"], axis=1),
        node("Gemm", ["features", "dense_0", "dense_bias_0"], ["sums_2"]),
        node("Relu", ["sums_2"], ["hidden"]),
        node("Gemm", ["hidden", "dense_1", "dense_bias_1"], ["half_logits" if half else "logits"]),
        *([node("Cast", ["half_logits"], ["logits"], to=TensorProto.FLOAT)] if half else []),
        node("Softmax", ["logits"], ["probabilities"], axis=1),
        node("ArgMax", ["logits"], ["label"], axis=1, keepdims=0),
    ]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "digits", [info("image", TensorProto.FLOAT, ["batch", 8, 8], "Pixels 0 (white) to 16 (black), row by row.")],
        [info("probabilities", TensorProto.FLOAT, ["batch", 10], "One per digit; a row sums to 1."),
         info("label", TensorProto.INT64, ["batch"], "The most probable digit.")], constants)
    model = helper.make_model(
        graph, producer_name="train_digits_cnn.py", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
        model_version=version, doc_string="Classifies 8x8 handwritten digits.")
    helper.set_model_props(model, {
        "name": "digits",
        "version": str(version),
        "description": "Classifies 8x8 handwritten digits by a convolutional network (UCI Optical Recognition of Handwritten Digits).",
        "precision": "fp16" if half else "fp32",
        "licence": "MIT (model); CC BY 4.0 (data)",
        "accuracy": f"{accuracy:.4f}",
    })
    onnx.checker.check_model(model, full_check=True)
    return model


def metadata_accuracy(path):
    return float({p.key: p.value for p in onnx.load(str(path)).metadata_props}["accuracy"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / "digits")
    parser.add_argument("--validate", action="store_true", help="train on four fifths of the training set, tell how the rest does, and write nothing")
    arguments = parser.parse_args()

    data = load_digits()
    images, held_images, labels, held_labels = train_test_split(
        data.images, data.target, test_size=HELD_OUT, stratify=data.target, random_state=SEED)
    if arguments.validate:
        images, held_images, labels, held_labels = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=SEED)
    weights = train(images, labels)

    # FP16 here means rounded weights: the graph's own arithmetic is what the platform's test measures.
    rounded = [w.astype(np.float16).astype(np.float32) for w in weights]
    accuracies = []
    for name, variant in (("fp32", weights), ("fp16 weights", rounded)):
        predicted = predict(variant, held_images)
        correct = predicted == held_labels
        accuracies.append(correct.mean())
        print(f"{name}: {'validation' if arguments.validate else 'held-out'} accuracy {correct.mean():.4f} "
              f"({correct.sum()} of {len(correct)}), trained on {len(labels)}")
    for digit in range(10):
        print(f"  digit {digit}: recall {correct[held_labels == digit].mean():.3f}, precision {correct[predicted == digit].mean():.3f}")
    if arguments.validate:
        return 0
    before = metadata_accuracy(pathlib.Path(__file__).resolve().parent / "digits" / "1" / "model.onnx")
    print(f"version 1: held-out accuracy {before:.4f}")
    if min(accuracies) < ACCURACY_BAR or min(accuracies) <= before:
        print(f"below the bar of {ACCURACY_BAR}, or not above version 1: nothing written", file=sys.stderr)
        return 1

    for version, half, accuracy in ((2, False, accuracies[0]), (3, True, accuracies[1])):
        folder = arguments.output / str(version)
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(build(weights, version, accuracy, half), str(folder / "model.onnx"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
