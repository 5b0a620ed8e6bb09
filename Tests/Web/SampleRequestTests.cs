using System.Diagnostics;
using System.Text.Json;
using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.Components.Shared;

namespace InferenceTemplate.Tests.Web;

public class SampleRequestTests
{
    // Prints the body that it was given, by argument or on its input.
    private const string Curl = """
        #!/bin/sh
        for last; do :; done
        if [ "$last" = "@-" ]; then cat; else printf %s "$last"; fi
        """;

    [Theory]
    [InlineData("FP32", new long[] { -1, 8, 8 }, 64, "0")]
    [InlineData("INT64", new long[] { -1, 3, 224, 224 }, 3 * 224 * 224, "0")]
    [InlineData("BYTES", new long[] { -1, 1 }, 1, "\"\"")]
    [InlineData("BYTES", new long[] { 100 }, 100, "\"\"")]
    [InlineData("BOOL", new long[] { 65 }, 65, "false")]
    public async Task Sample_request_is_valid_for_the_model_when_a_shell_runs_it(string datatype, long[] shape, int count, string zero)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Needs a POSIX shell.");
            return;
        }

        var folder = Directory.CreateTempSubdirectory("sample-request-");
        var curl = Path.Combine(folder.FullName, "curl");
        await File.WriteAllTextAsync(curl, Curl, TestContext.Current.CancellationToken);
        File.SetUnixFileMode(curl, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            var command = SampleRequest.Curl("http://api:8080", [Model("m", new TensorSignature("x", datatype, shape))]);
            using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command])
            {
                RedirectStandardOutput = true,
                UseShellExecute = false,
                Environment = { ["PATH"] = $"{folder.FullName}:{Environment.GetEnvironmentVariable("PATH")}" },
            })!;
            using var body = await JsonDocument.ParseAsync(
                shell.StandardOutput.BaseStream, cancellationToken: TestContext.Current.CancellationToken);

            var tensor = body.RootElement.GetProperty("inputs")[0];
            Assert.Equal(datatype, tensor.GetProperty("datatype").GetString());
            Assert.Equal(
                shape.Select(size => Math.Max(1, size)), tensor.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()));
            var data = tensor.GetProperty("data").EnumerateArray().Select(value => value.GetRawText()).ToList();
            Assert.Equal(count, data.Count);
            Assert.All(data, value => Assert.Equal(zero, value));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("x'; rm -rf ~; '")]
    [InlineData("$(id)")]
    [InlineData("`id`")]
    public void Sample_request_leaves_out_a_model_whose_names_a_shell_would_read_as_code(string name)
    {
        var command = SampleRequest.Curl(
            "http://api:8080", [Model("m", new TensorSignature(name, "FP32", [1])), Model(name, new TensorSignature("x", "FP32", [1]))]);

        Assert.Equal("curl http://api:8080/v2 -H 'Authorization: Bearer <your API key>'", command);
    }

    private static ModelVersion Model(string name, TensorSignature input) =>
        new(name, "1", "onnxruntime_onnx", "ready", 1, 0, null, [input], []);
}
