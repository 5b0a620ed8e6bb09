using System.Net;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>A parameter that is misspelled is no filter; the answer would be another than was asked for.</summary>
public sealed partial class KnownQueryTests(Platform platform)
{
    // Clients of OpenAI send their own.
    private static readonly string[] Open = ["/v1/models", "/v1/models/{model}", "/v1/models/{model}:{version}"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Reads =>
    [
        .. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "endpoints.txt"))
            .Where(line => line.StartsWith("GET /v1/", StringComparison.Ordinal))
            .Select(line => line.Split(' ')[1]).Except(Open),
    ];

    [Theory]
    [MemberData(nameof(Reads))]
    public async Task Every_endpoint_refuses_a_parameter_that_it_does_not_have(string path)
    {
        var filled = Parameter().Replace(path, match => match.Value.EndsWith(":guid}", StringComparison.Ordinal) ? $"{Guid.Empty}" : "x");

        var detail = await RefusedAsync($"{filled}?misspelled=1");

        Assert.StartsWith("misspelled: unknown; ", detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/jobs?status=failed", "status: unknown; known here: state, model, tenant, limit, cursor")]
    [InlineData("/v1/batches?model=digits", "model: unknown; known here: state, tenant, limit, cursor")]
    [InlineData("/v1/audit?acton=key.", "acton: unknown; known here: action, actor, tenant, subject, from, to, cursor, limit")]
    [InlineData(
        "/v1/requests?min=5", "min: unknown; known here: model, version, status, min_ms, trace, tenant, from, to, cursor, limit")]
    [InlineData("/v1/keys?role=admin", "role: unknown; known here: tenant, prefix, cursor, limit")]
    [InlineData("/v1/tenants?cursor=x", "cursor: unknown; known here: deleted, limit, after")]
    [InlineData("/v1/usage?model=digits", "model: unknown; known here: from, to, group, tenant")]
    [InlineData("/v1/queues?model=digits", "model: unknown; no parameters are taken here")]
    [InlineData("/v1/jobs?model=a&model=b", "model: given 2 times")]
    [InlineData("/v1/jobs?State=done", "state: 'done' given, one of ")]
    public async Task List_names_what_it_does_not_know_and_what_it_does(string path, string expected) =>
        Assert.StartsWith(expected, await RefusedAsync(path), StringComparison.Ordinal);

    [Fact]
    public async Task Change_with_an_unknown_parameter_is_none()
    {
        using var admin = platform.Admin();

        // Of a version, whoever wrote this meant.
        using var refused = await admin.DeleteAsync("/v1/models/no-such-model?version=1", Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Equal("version: unknown; known here: force", await refused.ProblemAsync());
    }

    [Theory]
    [InlineData("/v1/models?limit=5")]
    [InlineData("/v1/models/digits?mine=1")]
    [InlineData("/v1/models/digits:1?mine=1")]
    [InlineData("/v2/models?mine=1")]
    public async Task Clients_of_other_protocols_may_send_their_own(string path)
    {
        using var client = platform.Admin();

        using var response = await client.GetAsync(path, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Whoever_may_not_ask_learns_nothing_of_the_parameters()
    {
        await using var keys = await TestKeys.OpenAsync(platform);
        using var service = platform.WithKey(await keys.CreateAsync("service"));

        using var refused = await service.GetAsync("/v1/audit?misspelled=1", Cancellation);

        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    private async Task<string?> RefusedAsync(string path)
    {
        using var client = platform.Admin();
        using var response = await client.GetAsync(path, Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        return (await response.JsonAsync()).GetProperty("detail").GetString();
    }

    [GeneratedRegex("\\{[^}]+\\}", RegexOptions.None, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Parameter();
}
