using System.Net;
using System.Text.Json;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Chaos;

/// <summary>A client that gives up a request after ten seconds, and takes a failure for an answer that it does not have.</summary>
internal sealed class ChaosClient(Product product) : IDisposable
{
    private static readonly TimeSpan WaitTimeout = TimeSpan.FromSeconds(10);

    private readonly HttpClient _client = product.Client();

    /// <returns>Null without an answer.</returns>
    public async Task<Answer?> SendAsync(HttpMethod method, string path, Func<HttpContent>? content = null, params (string, string)[] headers)
    {
        try
        {
            using var limit = new CancellationTokenSource(WaitTimeout);
            using var request = new HttpRequestMessage(method, path) { Content = content?.Invoke() };
            foreach (var (name, value) in headers)
            {
                request.Headers.Add(name, value);
            }

            using var response = await _client.SendAsync(request, limit.Token);
            return new(response.StatusCode, await response.Content.ReadAsStringAsync(limit.Token));
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            return null;
        }
    }

    public void Dispose() => _client.Dispose();

    internal sealed record Answer(HttpStatusCode Status, string Body)
    {
        public string Text(string property)
        {
            using var document = JsonDocument.Parse(Body);
            return document.RootElement.GetProperty(property).GetString()!;
        }
    }
}
