using InferenceTemplate.Tests.Worker.Execution;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.ModelCache;
using InferenceTemplate.Worker.Models;
using InferenceTemplate.Worker.Pipelines;

namespace InferenceTemplate.Tests.Worker.Pipelines;

/// <summary>Opens pipelines over models that a test has written.</summary>
internal static class TestPipeline
{
    /// <param name="models">Of the steps; closed with the pipeline.</param>
    public static ModelSession Open(string json, params byte[][] models) =>
        Open(json, "m", [.. models.Select((m, i) => TestModels.Open(m, $"step{i}"))]);

    /// <param name="refusal">Why a step does not get some inputs.</param>
    public static ModelSession Open(string json, string name, ModelSession[] models, RefuseInputs? refusal = null)
    {
        var folder = Directory.CreateTempSubdirectory("pipeline-");
        try
        {
            var path = Path.Combine(folder.FullName, PipelineSettings.FileName);
            File.WriteAllText(path, json);
            var graph = PipelineGraph.Connect(PipelineSettings.Read(path), [.. models.Select(m => m.Signature)]);
            return ModelSession.Over(
                new ModelFile(name, "1", path), new PipelineModel(graph, [.. models.Select(m => new ModelLease(m, m.Dispose))], refusal));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Layers of weights, then others; what the first answers may be asked for too.</summary>
    public const string Layered = """
        {
          "inputs": ["in"],
          "steps": [
            {"name": "first", "model": "a", "version": "1", "inputs": {"x": "in"}},
            {"name": "second", "model": "b", "version": "1", "inputs": {"x": "first.y"}}
          ],
          "outputs": {"out": "second.y", "between": "first.y"}
        }
        """;

    /// <summary>Looks indices up in a table, and what is there once more.</summary>
    public const string Lookups = """
        {
          "inputs": ["index"],
          "steps": [
            {"name": "look", "model": "a", "version": "1", "inputs": {"index": "index"}},
            {"name": "round", "model": "b", "version": "1", "inputs": {"x": "look.value"}},
            {"name": "again", "model": "a", "version": "1", "inputs": {"index": "round.y"}}
          ],
          "outputs": {"value": "again.value"}
        }
        """;
}
