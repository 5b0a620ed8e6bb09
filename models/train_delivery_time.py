#!/usr/bin/env python3
"""Makes up deliveries, trains a small network that tells how long one takes, and writes models/delivery-time.

Needs Debian's python3-numpy and python3-onnx; takes less than a minute. The data come from Python's own random numbers, which are
the same everywhere; training runs in double precision on one thread with the processor-specific code fixed, so the same versions give
the same bytes on any x86-64 processor with AVX2. Exits with 1, and writes nothing, when the held-out error is above the bar.
"""

import argparse
import json
import math
import os
import pathlib
import random
import sys

# Before numpy is loaded: one thread, and the same code on processors that could do more, since the order of sums decides every weight.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_CORETYPE="Haswell")
os.environ["NPY_DISABLE_CPU_FEATURES"] = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SEED = 11
ROWS, HELD_OUT = 6000, 1000
DISTRICTS = {"Altstadt": 1.25, "Hafen": 1.05, "Lindenhof": 0.95, "Nordend": 1.0, "Südpark": 0.9, "Universität": 1.1}
VEHICLES = ("bicycle", "van", "scooter")  # By number, as the model takes them.
MEASURES = {"distance_km": (5.0, 3.5), "weight_kg": (4.0, 4.0), "rain_mm": (1.0, 2.0), "hour": (14.0, 4.0)}  # Mean and scale to normalise by.
LATE_MINUTES = 45.0
HIDDEN, EPOCHS, BATCH, RATE = 32, 80, 50, 5e-3
ERROR_BAR = 3.5
OPSET, ML_OPSET, IR_VERSION = 17, 3, 8


def noise(source):
    """About normal, mean 0, deviation 1: a sum of uniform numbers is the same on every machine, unlike logarithms."""
    return sum(source.random() for _ in range(12)) - 6


def deliveries(source, count):
    """What happens is made up here, and so is what can't be foreseen: 8 % of each time, and a minute."""
    for _ in range(count):
        row = {
            "distance_km": round(0.5 + 14 * source.random() ** 1.5, 1),
            "weight_kg": round(0.2 + 14 * source.random() ** 2, 1),
            "rain_mm": round(6 * source.random() ** 2, 1) if source.random() < 0.35 else 0.0,
            "hour": round(8 + 12 * source.random(), 2),
            "vehicle": source.randrange(len(VEHICLES)),
            "weekday": source.randrange(7),
            "district": source.choice(sorted(DISTRICTS)),
        }
        speed = (16.0, 26.0, 24.0)[row["vehicle"]]
        if row["weekday"] < 5 and (row["hour"] < 9.5 or 16.5 < row["hour"] < 18.5):
            speed *= (0.95, 0.55, 0.75)[row["vehicle"]]
        speed *= 1 - (0.05, 0.02, 0.04)[row["vehicle"]] * row["rain_mm"]
        handling = 4 + 0.3 * row["weight_kg"] + (0.9 * row["weight_kg"] if row["vehicle"] == 0 else 0)
        minutes = (60 * row["distance_km"] / speed * DISTRICTS[row["district"]] + handling) * (1 + 0.08 * noise(source)) + noise(source)
        row["minutes"] = round(max(minutes, 2.0), 1)
        yield row


def features(rows):
    """Measures normalised, then one column for each vehicle, weekday and district; the last of those for a district never heard of."""
    names = sorted(DISTRICTS)
    columns = [[(row[name] - mean) / scale for row in rows] for name, (mean, scale) in MEASURES.items()]
    columns += [[float(row["vehicle"] == v) for row in rows] for v in range(len(VEHICLES))]
    columns += [[float(row["weekday"] == d) for row in rows] for d in range(7)]
    columns += [[float(row["district"] == d) for row in rows] for d in names] + [[0.0] * len(rows)]
    return np.array(columns).T


def initial(inputs, generator):
    weights = []
    for fan_in, out in ((inputs, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 1)):
        weights += [np.array([generator.uniform(-1, 1) * math.sqrt(6 / fan_in) for _ in range(fan_in * out)]).reshape(fan_in, out), np.zeros(out)]
    return weights


def forward(weights, inputs):
    w1, b1, w2, b2, w3, b3 = weights
    first = np.maximum(inputs @ w1 + b1, 0)
    second = np.maximum(first @ w2 + b2, 0)
    return (second @ w3 + b3)[:, 0], first, second


def train(inputs, minutes):
    """Adam on the squared error of minutes in tens, its rate falling to zero."""
    generator = random.Random(SEED)
    weights = initial(inputs.shape[1], generator)
    first, second = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    order, steps, step = list(range(len(inputs))), EPOCHS * (len(inputs) // BATCH), 0
    for _ in range(EPOCHS):
        generator.shuffle(order)
        for start in range(0, len(order), BATCH):
            chosen = order[start:start + BATCH]
            x = inputs[chosen]
            predicted, h1, h2 = forward(weights, x)
            error = (2 / len(chosen) * (predicted - minutes[chosen] / 10))[:, None]
            e2 = error @ weights[4].T * (h2 > 0)
            e1 = e2 @ weights[2].T * (h1 > 0)
            rate, step = RATE * (1 - step / steps), step + 1
            for i, gradient in enumerate((x.T @ e1, e1.sum(0), h1.T @ e2, e2.sum(0), h2.T @ error, error.sum(0))):
                first[i] += 0.1 * (gradient - first[i])
                second[i] += 0.001 * (gradient * gradient - second[i])
                weights[i] = weights[i] - rate * first[i] / (1 - 0.9 ** step) / (np.sqrt(second[i] / (1 - 0.999 ** step)) + 1e-8)
    return weights


def build(weights, error):
    """Normalised measures and one-hot categories -> Gemm, Relu twice -> Gemm. The text is looked up by ai.onnx.ml's LabelEncoder."""
    names = sorted(DISTRICTS)
    constant = numpy_helper.from_array
    values = [constant(value.astype(np.float32), name) for name, value in zip(
        ("weights_0", "bias_0", "weights_1", "bias_1", "weights_2", "bias_2"), [*weights[:4], weights[4] * 10, weights[5] * 10])]
    means = np.array([mean for mean, _ in MEASURES.values()], np.float32)
    scales = np.array([scale for _, scale in MEASURES.values()], np.float32)
    values += [
        constant(means, "means"), constant(scales, "scales"), constant(np.array([0, 1], np.float32), "off_on"),
        constant(np.array([1], np.int64), "column"), constant(np.array([-1], np.int64), "flat"), constant(np.array(LATE_MINUTES, np.float32), "late_minutes"),
        *(constant(np.array(size, np.int64), f"{name}_count") for name, size in
          (("vehicle", len(VEHICLES)), ("weekday", 7), ("district", len(names) + 1))),
    ]
    node = helper.make_node
    nodes = [
        *(node("Unsqueeze", [name, "column"], [f"{name}_column"]) for name in MEASURES),
        node("Concat", [f"{name}_column" for name in MEASURES], ["measures"], axis=1),
        node("Sub", ["measures", "means"], ["centred"]),
        node("Div", ["centred", "scales"], ["normalised"]),
        node("LabelEncoder", ["district"], ["district_number"], domain="ai.onnx.ml",
             keys_strings=names, values_int64s=list(range(len(names))), default_int64=len(names)),
        node("OneHot", ["vehicle", "vehicle_count", "off_on"], ["vehicles"]),
        node("OneHot", ["weekday", "weekday_count", "off_on"], ["weekdays"]),
        node("OneHot", ["district_number", "district_count", "off_on"], ["districts"]),
        node("Concat", ["normalised", "vehicles", "weekdays", "districts"], ["features"], axis=1),
        node("Gemm", ["features", "weights_0", "bias_0"], ["sums_0"]),
        node("Relu", ["sums_0"], ["hidden_0"]),
        node("Gemm", ["hidden_0", "weights_1", "bias_1"], ["sums_1"]),
        node("Relu", ["sums_1"], ["hidden_1"]),
        node("Gemm", ["hidden_1", "weights_2", "bias_2"], ["sums_2"]),
        node("Reshape", ["sums_2", "flat"], ["minutes"]),
        node("Greater", ["minutes", "late_minutes"], ["late"]),
    ]
    info, of = helper.make_tensor_value_info, TensorProto
    inputs = [
        info("distance_km", of.FLOAT, ["batch"], "Kilometres on the road, 0.5 to 14.5."), info("weight_kg", of.FLOAT, ["batch"], "0.2 to 14.2."),
        info("rain_mm", of.FLOAT, ["batch"], "Millimetres an hour, 0 to 6."), info("hour", of.FLOAT, ["batch"], "Of the day, 8 to 20; 17.5 is half past five."),
        info("vehicle", of.INT64, ["batch"], ", ".join(f"{i} {name}" for i, name in enumerate(VEHICLES))),
        info("weekday", of.INT64, ["batch"], "0 Monday to 6 Sunday."), info("district", of.STRING, ["batch"], ", ".join(names)),
    ]
    outputs = [info("minutes", of.FLOAT, ["batch"], "From the order to the door."), info("late", of.BOOL, ["batch"], f"More than {LATE_MINUTES:g} minutes.")]
    model = helper.make_model(
        helper.make_graph(nodes, "delivery_time", inputs, outputs, values), producer_name="train_delivery_time.py",
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)], ir_version=IR_VERSION, model_version=1,
        doc_string="Tells how many minutes a delivery takes.")
    helper.set_model_props(model, {
        "name": "delivery-time", "version": "1", "description": "Tells how many minutes a (made-up) delivery takes.",
        "licence": "MIT (model and data)", "mean_absolute_error": f"{error:.3f}",
    })
    onnx.checker.check_model(model, full_check=True)
    return model


def request(rows):
    """A request body of the Open Inference Protocol v2."""
    def tensor(name, datatype):
        return {"name": name, "datatype": datatype, "shape": [len(rows)], "data": [row[name] for row in rows]}
    inputs = [*(tensor(name, "FP32") for name in MEASURES), tensor("vehicle", "INT64"), tensor("weekday", "INT64"), tensor("district", "BYTES")]
    lines = ",\n".join("    " + json.dumps(t, ensure_ascii=False) for t in inputs)
    return f'{{\n  "id": "two-deliveries",\n  "inputs": [\n{lines}\n  ]\n}}\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / "delivery-time")
    folder = parser.parse_args().output

    rows = list(deliveries(random.Random(SEED), ROWS))
    known, held = rows[:-HELD_OUT], rows[-HELD_OUT:]
    minutes, held_minutes = (np.array([row["minutes"] for row in part]) for part in (known, held))
    weights = train(features(known), minutes)
    predicted = 10 * forward(weights, features(held))[0]
    error = np.abs(predicted - held_minutes).mean()
    linear = np.linalg.lstsq(np.c_[features(known)[:, :-1], np.ones(len(known))], minutes, rcond=None)[0]
    linear_error = np.abs(np.c_[features(held)[:, :-1], np.ones(HELD_OUT)] @ linear - held_minutes).mean()
    print(f"held-out mean absolute error {error:.3f} minutes over {HELD_OUT} deliveries, trained on {len(known)}")
    print(f"  always the mean: {np.abs(minutes.mean() - held_minutes).mean():.3f}; a linear model on the same features: {linear_error:.3f}")
    print(f"  late or not is right for {((predicted > LATE_MINUTES) == (held_minutes > LATE_MINUTES)).mean():.4f}")
    if error > ERROR_BAR:
        print(f"above the bar of {ERROR_BAR}: nothing written", file=sys.stderr)
        return 1

    (folder / "1").mkdir(parents=True, exist_ok=True)
    onnx.save(build(weights, error), str(folder / "1" / "model.onnx"))
    (folder / "example-request.json").write_text(request(held[:2]), encoding="utf-8")
    lines = [",".join(str(value) for value in row.values()) for row in held]
    (folder / "heldout.csv").write_text("\n".join([",".join(held[0]), *lines]) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
