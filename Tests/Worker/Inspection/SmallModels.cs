using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Models;

namespace InferenceTemplate.Tests.Worker.Inspection;

/// <summary>The models of this folder: some hundred bytes each, named for what they do.</summary>
internal static class SmallModels
{
    public static readonly InspectionLimits Limits = new InspectionOptions().Limits;

    public static string PathOf(string name) => Path.Combine(Repository.Root, "Tests", "Worker", "Inspection", "Models", $"{name}.onnx");

    public static byte[] Read(string name) => File.ReadAllBytes(PathOf(name));

    /// <summary>What an inspection proves of a model, in this process.</summary>
    public static BatchProof Prove(string path, Func<double>? spent = null, Tensor[]? sample = null)
    {
        var operators = OnnxScanner.Scan(path, Limits).Operators;
        using var session = ModelSession.Open(new ModelFile("m", "1", path), Execution.TestModels.Cpu);
        using var instance = session.CreateInstance();
        return new BatchProver(
            instance, session.Signature, Limits.LargestBatch, sample, session.ElementsOf, spent ?? (() => 0)).Prove(operators);
    }

    /// <summary>Made-up rows as those of a sample request.</summary>
    public static Tensor[] SampleOf(string name, int rows)
    {
        using var session = ModelSession.Open(new ModelFile("m", "1", PathOf(name)), Execution.TestModels.Cpu);
        return new MadeUpInputs(session.Signature, InputStyle.All(session.Signature).First(), session.ElementsOf).Make(rows, seed: 7);
    }

    public static BatchProof Prove(byte[] model, Tensor[]? sample = null)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, model);
            return Prove(path, sample: sample);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
