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
    public static BatchProof Prove(string path, Func<double>? spent = null)
    {
        var operators = OnnxScanner.Scan(path, Limits).Operators;
        using var session = ModelSession.Open(new ModelFile("m", "1", path), Execution.TestModels.Cpu);
        using var instance = session.CreateInstance();
        return new BatchProver(instance, session.Signature, Limits.LargestBatch, spent ?? (() => 0)).Prove(operators);
    }

    public static BatchProof Prove(byte[] model)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, model);
            return Prove(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
