using System.Net;
using System.Text.RegularExpressions;
using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Routing;

namespace InferenceTemplate.Tests.Unit.Api;

/// <summary>No POST without the mechanism: each must look at the key before anything else does.</summary>
public sealed partial class IdempotencyCoverageTests(ApiInProcess api) : IClassFixture<ApiInProcess>
{
    [Fact]
    public async Task Every_post_refuses_an_idempotency_key_that_is_none()
    {
        using var client = api.CreateClient();
        var paths = Posts();

        // Otherwise the test would say nothing.
        Assert.Superset(
            new HashSet<string>(["/v2/models/x/infer", "/v1/batches/", "/v1/auth/token", "/v1/models/x/versions"]), paths.ToHashSet());
        foreach (var path in paths)
        {
            using var response = await PostAsync(client, path);
            var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

            Assert.True(response.StatusCode == HttpStatusCode.BadRequest && body.Contains("Idempotency-Key", StringComparison.Ordinal),
                $"POST {path} answered {(int)response.StatusCode}: {body}");
            Assert.Contains(
                path.StartsWith("/v2", StringComparison.Ordinal)
                    || path is "/v1/embeddings" or "/v1/rerank" or "/v1/chat/completions" or "/v1/completions"
                    ? "{\"error\":"
                    : "\"status\":400",
                body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Nothing_but_posts_changes_things_in_an_unsafe_way()
    {
        // PUT and DELETE may be repeated by what they mean. PATCH may where it is a merge: what it names gets the value again.
        Assert.Equal(
            ["v1/tenants/{id}"],
            api.Endpoints.Where(e => MethodsOf(e).Contains("PATCH", StringComparer.Ordinal))
                .Select(e => e.RoutePattern.RawText!.Trim('/')));
    }

    private static Task<HttpResponseMessage> PostAsync(HttpClient client, string path)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Headers.Add("Idempotency-Key", new string('k', 256));
        return client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private List<string> Posts() => [.. api.Endpoints.Where(
        e => MethodsOf(e).Contains("POST", StringComparer.Ordinal) && e.Metadata.GetMetadata<GrpcMethodMetadata>() is null)
        .Select(e => Parameter().Replace($"/{e.RoutePattern.RawText!.TrimStart('/')}", match =>
            match.Value.Contains(":guid", StringComparison.Ordinal)
                ? Guid.Empty.ToString()
                : match.Value.Contains(":int", StringComparison.Ordinal) ? "1" : "x"))];

    private static IReadOnlyList<string> MethodsOf(RouteEndpoint endpoint) =>
        endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? [];

    [GeneratedRegex(@"\{[^}]+\}", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Parameter();
}
