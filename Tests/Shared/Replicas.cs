using System.Runtime.CompilerServices;

namespace InferenceTemplate.Tests.Shared;

/// <summary>What tests of several replicas need to know of each of them: they read the catalog for themselves.</summary>
public static class Replicas
{
    // Of two replicas, one in a billion of such rows leaves one out.
    private const int InARow = 30;

    /// <summary>Has each request go by a connection of its own. A proxy gives connections, not requests, to the replicas.</summary>
    public static HttpClient OnNewConnections(this HttpClient client)
    {
        client.DefaultRequestHeaders.ConnectionClose = true;
        return client;
    }

    /// <summary>Waits until the metrics of one of the replicas are as is wanted: each has counters of its own.</summary>
    public static async Task OneReplicaMeasuresAsync(
        this Platform platform,
        Func<string, bool> wanted,
        string service = "api",
        [CallerArgumentExpression(nameof(wanted))] string awaited = "")
    {
        using var client = platform.Anonymous(service).OnNewConnections();
        await Wait.UntilAsync(
            async () => wanted(await client.GetStringAsync("/metrics", TestContext.Current.CancellationToken)), awaited: awaited);
    }

    /// <summary>Waits until every replica answers as is wanted.</summary>
    public static async Task OnEachReplicaAsync(
        this HttpClient client,
        Func<HttpRequestMessage> request,
        Func<HttpResponseMessage, Task<bool>> wanted,
        [CallerArgumentExpression(nameof(wanted))] string awaited = "")
    {
        var wait = Wait.For($"every replica: {awaited}");
        for (var seen = 0; seen < InARow;)
        {
            using var message = request();
            message.Headers.ConnectionClose = true;
            using var response = await client.SendAsync(message, TestContext.Current.CancellationToken);
            if (await wanted(response))
            {
                seen++;
                continue;
            }

            seen = 0;
            await wait.PauseAsync();
        }
    }
}
