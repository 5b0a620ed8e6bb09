using System.Diagnostics;
using System.Net;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Chaos;

/// <summary>
/// Keys are made, used and revoked. One that was revoked may be let in for a second more, and longer by a replica that was paused or that
/// Postgres did not tell.
/// </summary>
internal sealed class RevokedKeys(Product product) : IDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly ChaosClient _client = new(product);

    public int Revoked { get; private set; }

    /// <summary>Let in after the time that a revocation may take.</summary>
    public int StillLetIn { get; private set; }

    /// <summary>Refused although nobody revoked it.</summary>
    public int LockedOut { get; private set; }

    public async Task RunAsync(CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            await Task.Delay(1000, CancellationToken.None);
            var made = await _client.SendAsync(
                HttpMethod.Post, "/v1/keys", () => Question.Content("""{"name":"chaos","role":"user"}"""));
            if (made?.Status != HttpStatusCode.Created)
            {
                continue;
            }

            var key = made.Text("key");
            LockedOut += await StatusAsync(key) == HttpStatusCode.Unauthorized ? 1 : 0;
            var revoked = await _client.SendAsync(HttpMethod.Post, $"/v1/keys/{made.Text("id")}/revoke");
            if (revoked?.Status != HttpStatusCode.OK)
            {
                continue;
            }

            Revoked++;
            var start = Stopwatch.GetTimestamp();
            while (await StatusAsync(key) != HttpStatusCode.Unauthorized)
            {
                if (Stopwatch.GetElapsedTime(start) > Grace && await StatusAsync(key) == HttpStatusCode.OK)
                {
                    StillLetIn++;
                    break;
                }

                await Task.Delay(200, CancellationToken.None);
            }
        }
    }

    public void Dispose() => _client.Dispose();

    private async Task<HttpStatusCode?> StatusAsync(string key) =>
        (await _client.SendAsync(HttpMethod.Get, "/v2", null, ("Authorization", $"Bearer {key}")))?.Status;
}
