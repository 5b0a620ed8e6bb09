using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>Every endpoint for every role, and for nobody.</summary>
public sealed partial class AuthorizationTests(Platform platform)
{
    private const string File = "endpoints.txt";

    // Open by its metadata, and guarded by a token of its own: ScalingTests.
    private const string OwnToken = "/scaling/workers";

    // The one endpoint that takes a key and no token.
    private const string KeyOnly = "/v1/auth/token";

    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["infer"] = ["admin", "user", "service"],
        ["observe"] = ["admin", "user"],
        ["administer"] = ["admin"],
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Endpoints => [.. Lines().Select(line => line)];

    [Theory]
    [InlineData("user", "GET", "/v1/models", HttpStatusCode.OK)]
    [InlineData("user", "GET", "/v1/models/digits/versions/1", HttpStatusCode.OK)]
    [InlineData("user", "POST", "/v1/models/digits/versions", HttpStatusCode.Forbidden)]
    [InlineData("user", "PUT", "/v1/models/digits/settings", HttpStatusCode.Forbidden)]
    [InlineData("user", "DELETE", "/v1/models/digits", HttpStatusCode.Forbidden)]
    [InlineData("user", "GET", "/v1/models/digits/versions/1/artifact", HttpStatusCode.Forbidden)]
    [InlineData("user", "POST", "/v2/repository/models/digits/unload", HttpStatusCode.Forbidden)]
    [InlineData("service", "GET", "/v1/models", HttpStatusCode.OK)]
    [InlineData("service", "GET", "/v1/models/digits", HttpStatusCode.OK)]
    [InlineData("service", "GET", "/v1/models/digits:1", HttpStatusCode.OK)]
    [InlineData("service", "GET", "/v1/models/digits:99", HttpStatusCode.NotFound)]
    [InlineData("service", "GET", "/v1/models/digits/versions", HttpStatusCode.Forbidden)]
    public async Task Role_decides_who_may_change_models(string role, string method, string path, HttpStatusCode expected)
    {
        await using var keys = await TestKeys.OpenAsync(platform);
        using var client = platform.WithKey(await keys.CreateAsync(role));
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task List_of_endpoints_is_that_of_the_api()
    {
        var (exitCode, output, error) = await ApiProcess.RunAsync(
            ["--endpoints"],
            [
                ("ASPNETCORE_ENVIRONMENT", "Development"),
                ("ConnectionStrings__inference", "Host=127.0.0.1"),
                ("ConnectionStrings__redis", "127.0.0.1:1"),
                ("Scaling__Token", Platform.ScalingToken),
            ],
            Cancellation);

        Assert.True(exitCode == 0, error);
        var actual = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(
            actual.SequenceEqual(Lines()),
            $"Tests/Api/{File} is not what `Api --endpoints` writes. New: [{string.Join("; ", actual.Except(Lines()))}], gone: [{string.Join("; ", Lines().Except(actual))}]. "
            + "Look at the policies, then write the file anew.");
        Assert.DoesNotContain(actual, line => line.EndsWith(" none", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task Endpoint_lets_in_whom_its_policy_names_and_nobody_else(string line)
    {
        await using var keys = await TestKeys.OpenAsync(platform);
        var (method, path, policies) = Parse(line);

        Assert.Equal(policies is null && path != OwnToken ? null : HttpStatusCode.Unauthorized, await RefusalAsync(method, path, null));
        foreach (var role in (string[])["admin", "user", "service", "other"])
        {
            var key = await keys.CreateAsync(role);
            var expected = policies is null
                ? path == OwnToken ? HttpStatusCode.Unauthorized : (HttpStatusCode?)null
                : policies.All(p => Allowed[p].Contains(role)) ? null : HttpStatusCode.Forbidden;

            Assert.Equal((role, "key", expected), (role, "key", await RefusalAsync(method, path, key)));
            if (role != "other")
            {
                var withToken = path == KeyOnly ? HttpStatusCode.Unauthorized : expected;
                Assert.Equal((role, "token", withToken), (role, "token", await RefusalAsync(method, path, await TokenAsync(key))));
            }
        }
    }

    private static string[] Lines() => System.IO.File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, File));

    private static (HttpMethod Method, string Path, string[]? Policies) Parse(string line)
    {
        var parts = line.Split(' ');
        var path = GuidParameter().Replace(parts[1], _ => Guid.NewGuid().ToString());
        path = Parameter().Replace(path, "nothing-of-this-name");
        return (new HttpMethod(parts[0] == "*" ? "GET" : parts[0]), path, parts[2] == "anonymous" ? null : parts[2].Split('+'));
    }

    /// <summary>401 or 403; null where the caller is let in, whatever comes of it.</summary>
    private async Task<HttpStatusCode?> RefusalAsync(HttpMethod method, string path, string? credential)
    {
        using var client = platform.Anonymous();
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = credential is null ? null : new AuthenticationHeaderValue("Bearer", credential);
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        return response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden ? response.StatusCode : null;
    }

    private async Task<string> TokenAsync(string key)
    {
        using var client = platform.WithKey(key);
        using var issued = await client.PostAsync(KeyOnly, null, Cancellation);
        return (await issued.JsonAsync()).GetProperty("access_token").GetString()!;
    }

    [GeneratedRegex(@"\{[^}]+:guid\}", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex GuidParameter();

    [GeneratedRegex(@"\{[^}]+\}", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Parameter();
}
