using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.ML.OnnxRuntime;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace InferenceTemplate.Bench.Servers;

/// <summary>
/// What a user would write in an afternoon: ASP.NET Core, System.Text.Json and ONNX Runtime in one process. No keys, no limits, no
/// queue, no batches, no metrics. It runs as a process of its own: <c>Bench bare {models folder} {intra-op threads}</c>.
/// </summary>
internal static class BareServer
{
    private sealed record Input(string Name, long[] Shape, string Datatype, float[] Data);

    private sealed record Body(string? Id, Input[] Inputs);

    private sealed record Output(string Name, string Datatype, long[] Shape, float[] Data);

    private sealed record Answer(string ModelName, Output[] Outputs);

    /// <param name="intraOpThreads">Null for ONNX Runtime's default.</param>
    public static async Task RunAsync(string models, int? intraOpThreads)
    {
        var sessions = Directory.GetDirectories(models).ToDictionary(
            folder => Path.GetFileName(folder)!,
            folder => Open(Path.Combine(folder, "1", "model.onnx"), intraOpThreads),
            StringComparer.Ordinal);

        var builder = WebApplication.CreateBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        var app = builder.Build();
        app.MapPost("/json/{model}", (string model, Body body) =>
        {
            var input = body.Inputs[0];
            var (shape, data) = Run(sessions[model], input.Shape, input.Data);
            return new Answer(model, [new Output("y", "FP32", shape, data)]);
        });
        app.MapPost("/binary/{model}", async (string model, HttpRequest request) =>
        {
            var bytes = new byte[request.ContentLength!.Value];
            await request.Body.ReadExactlyAsync(bytes);
            var session = sessions[model];
            long[] shape = [1, .. session.InputMetadata.First().Value.Dimensions.Skip(1).Select(d => (long)d)];
            var (_, data) = Run(session, shape, MemoryMarshal.Cast<byte, float>(bytes).ToArray());
            return Results.Bytes(MemoryMarshal.AsBytes<float>(data).ToArray());
        });
        await app.StartAsync();
        Console.WriteLine($"listening {app.Urls.First()}");
        await app.WaitForShutdownAsync();
    }

    private static InferenceSession Open(string path, int? intraOpThreads)
    {
        using var options = new SessionOptions();
        if (intraOpThreads is not null)
        {
            options.IntraOpNumThreads = intraOpThreads.Value;
        }

        return new InferenceSession(File.ReadAllBytes(path), options);
    }

    private static (long[] Shape, float[] Data) Run(InferenceSession session, long[] shape, float[] data)
    {
        using var options = new RunOptions();
        using var input = OrtValue.CreateTensorValueFromMemory(data, shape);
        using var outputs = session.Run(options, [session.InputNames[0]], [input], [session.OutputNames[0]]);
        return (outputs[0].GetTensorTypeAndShape().Shape, outputs[0].GetTensorDataAsSpan<float>().ToArray());
    }
}
