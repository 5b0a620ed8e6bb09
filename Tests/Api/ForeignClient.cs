using System.Diagnostics;
using System.Text.Json;

namespace InferenceTemplate.Tests.Api;

/// <summary>A client in another language: a program that is given JSON, and writes what it got as JSON.</summary>
internal static class ForeignClient
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<JsonElement> RunAsync<T>(string program, string script, T given)
    {
        var (exit, output, errors) = await RunAsync(program, script, JsonSerializer.Serialize(given));
        Assert.True(exit == 0, errors);
        return JsonDocument.Parse(output).RootElement;
    }

    public static async Task<(int Exit, string Output, string Errors)> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync(Cancellation);
        var output = await process.StandardOutput.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);
        return (process.ExitCode, output, await errors);
    }
}
