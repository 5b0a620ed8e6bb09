using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Models;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Worker.Execution;

/// <summary>Opens models that a test has written.</summary>
internal static class TestModels
{
    public static readonly ExecutionDevice Cpu =
        new(Options.Create(new WorkerOptions { Device = "cpu" }), NullLogger<ExecutionDevice>.Instance);

    /// <summary>Looks numbers up in a table of ten: 10 * index. Fails on any other index.</summary>
    public static byte[] Lookup => new OnnxModel()
        .Input("index", OnnxModel.Int64, -1)
        .Output("value", OnnxModel.Float, -1)
        .Constant("table", [0, 10, 20, 30, 40, 50, 60, 70, 80, 90], 10)
        .Node("Gather", ["table", "index"], ["value"])
        .ToBytes();

    /// <summary>Adds <c>shift</c> to each row, 10 where it is left out.</summary>
    public static byte[] Shifted => new OnnxModel()
        .Input("x", OnnxModel.Float, -1, 2)
        .OptionalInput("shift", [10, 10], 2)
        .Output("y", OnnxModel.Float, -1, 2)
        .Node("Add", ["x", "shift"], ["y"])
        .ToBytes();

    /// <summary>Gives back what it gets, of any type, beneath two outputs.</summary>
    public static byte[] Echo(int type) => new OnnxModel()
        .Input("x", type, -1, -1)
        .Output("y", type, -1, -1)
        .Output("z", type, -1, -1)
        .Node("Identity", ["x"], ["y"])
        .Node("Identity", ["y"], ["z"])
        .ToBytes();

    public static byte[] RowSums => new OnnxModel()
        .Input("x", OnnxModel.Float, -1, -1)
        .Output("y", OnnxModel.Float, -1, 1)
        .Integers("axis", [1], 1)
        .Node("ReduceSum", ["x", "axis"], ["y"], ("keepdims", 1))
        .ToBytes();

    /// <summary>The sine of the sine ...: for 4,096 rows tens of milliseconds a layer, and a run can be ended between any two.</summary>
    public static byte[] Slow(int layers)
    {
        var model = new OnnxModel().Input("x", OnnxModel.Float, -1, 512).Output("y", OnnxModel.Float, -1, 512);
        for (var layer = 1; layer <= layers; layer++)
        {
            model.Node("Sin", [layer == 1 ? "x" : $"h{layer - 1}"], [layer == layers ? "y" : $"h{layer}"]);
        }

        return model.ToBytes();
    }

    /// <summary>Takes a minute or more with the large inputs of the tests: only for runs that are ended.</summary>
    public static byte[] Endless => Slow(4000);

    /// <summary>Makes a tensor as large as the input says.</summary>
    public static byte[] Allocate => new OnnxModel()
        .Input("shape", OnnxModel.Int64, 1)
        .Output("y", OnnxModel.Float, -1)
        .Node("ConstantOfShape", ["shape"], ["y"])
        .ToBytes();

    public static ModelSession Open(byte[] model, string name = "m", ExecutionDevice? device = null)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, model);
            return ModelSession.Open(new ModelFile(name, "1", path), device ?? Cpu);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
