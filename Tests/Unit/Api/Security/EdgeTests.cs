using System.Net;
using System.Net.Sockets;
using System.Text;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Unit.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Unit.Api.Security;

public sealed class EdgeTests
{
    private static readonly (string, string) Forwarded = ("X-Forwarded-For", "203.0.113.7");
    private static readonly (string, string) Https = ("X-Forwarded-Proto", "https");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/caller")]
    [InlineData("/failure")]
    [InlineData("/nothing")]
    public async Task Answer_carries_the_security_headers(string path)
    {
        await using var edge = await EdgeService.StartAsync();

        using var response = await edge.SendAsync(path);

        Assert.Equal("default-src 'none'; frame-ancestors 'none'", response.Headers.GetValues("Content-Security-Policy").Single());
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("DENY", response.Headers.GetValues("X-Frame-Options").Single());
        Assert.Equal("no-referrer", response.Headers.GetValues("Referrer-Policy").Single());
        Assert.True(response.Headers.Contains("Permissions-Policy"));
    }

    [Theory]
    [InlineData("ForwardedHeaders:KnownProxies:0", "127.0.0.1", "https 203.0.113.7")]
    [InlineData("ForwardedHeaders:KnownNetworks:0", "127.0.0.0/8", "https 203.0.113.7")]
    [InlineData("ForwardedHeaders:KnownProxies:0", "10.1.2.3", "http 127.0.0.1")]
    [InlineData("ForwardedHeaders:KnownNetworks:0", "10.0.0.0/8", "http 127.0.0.1")]
    [InlineData("Unrelated", "", "http 127.0.0.1")]
    public async Task Caller_is_whom_a_known_proxy_says_and_nobody_else(string key, string value, string expected)
    {
        // What Aspire sets in each thing that it deploys must not make everybody's word good.
        await using var edge = await EdgeService.StartAsync(settings: [(key, value), ("FORWARDEDHEADERS_ENABLED", "true")]);

        using var response = await edge.SendAsync("/caller", Forwarded, Https);

        Assert.Equal(expected, await response.TextAsync());
    }

    [Theory]
    [InlineData("Production", "api.contoso.com", true, true)]
    [InlineData("Production", "api.contoso.com", false, false)]
    [InlineData("Development", "api.contoso.com", true, false)]
    public async Task Strict_transport_security_is_told_over_https_outside_development(
        string environment, string host, bool https, bool expected)
    {
        await using var edge = await EdgeService.StartAsync(environment, ("ForwardedHeaders:KnownProxies:0", "127.0.0.1"));

        using var response = await edge.SendAsync("/caller", [("Host", host), .. https ? [Https] : Array.Empty<(string, string)>()]);

        Assert.Equal(expected, response.Headers.Contains("Strict-Transport-Security"));
        if (expected)
        {
            Assert.Equal("max-age=31536000", response.Headers.GetValues("Strict-Transport-Security").Single());
        }
    }

    [Theory]
    [InlineData("https://app.contoso.com", "https://app.contoso.com", "https://app.contoso.com")]
    [InlineData("https://app.contoso.com", "https://evil.example", null)]
    [InlineData("https://app.contoso.com", "http://app.contoso.com", null)]
    [InlineData("*", "https://evil.example", "*")]
    [InlineData(null, "https://app.contoso.com", null)]
    public async Task Only_listed_origins_are_let_in(string? listed, string origin, string? allowed)
    {
        await using var edge = await EdgeService.StartAsync(settings: listed is null ? [] : [("Cors:Origins:0", listed)]);

        using var preflight = await edge.SendAsync(
            HttpMethod.Options, "/caller", ("Origin", origin), ("Access-Control-Request-Method", "GET"),
            ("Access-Control-Request-Headers", "x-api-key"));
        using var response = await edge.SendAsync("/caller", ("Origin", origin));

        Assert.Equal(allowed, response.Headers.TryGetValues("Access-Control-Allow-Origin", out var told) ? told.Single() : null);
        Assert.Equal(allowed is not null, preflight.Headers.Contains("Access-Control-Allow-Headers"));
        Assert.False(response.Headers.Contains("Access-Control-Allow-Credentials"));
    }

    [Theory]
    [InlineData("Cors:Origins:0", "https://app.contoso.com/")]
    [InlineData("Cors:Origins:0", "app.contoso.com")]
    [InlineData("ForwardedHeaders:KnownProxies:0", "ingress")]
    [InlineData("ForwardedHeaders:KnownNetworks:0", "10.0.0.0")]
    [InlineData("Limits:HeaderCount", "0")]
    public async Task Setting_that_means_nothing_stops_the_start_and_is_named(string key, string value)
    {
        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(() => EdgeService.StartAsync(settings: [(key, value)]));

        Assert.Contains(key.Split(':')[1], refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_origin_with_credentials_stops_the_start()
    {
        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(
            () => EdgeService.StartAsync(settings: [("Cors:Origins:0", "*"), ("Cors:AllowCredentials", "true")]));

        Assert.Contains("Cors:AllowCredentials", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_beyond_the_limits_are_refused()
    {
        await using var edge = await EdgeService.StartAsync(settings:
            [("Limits:HeaderCount", "20"), ("Limits:HeaderBytes", "4096"), ("Limits:RequestLineBytes", "512")]);
        var many = Enumerable.Range(0, 20).Select(n => ($"X-{n}", "v")).ToArray();

        using var good = await edge.SendAsync("/caller", many[..10]);
        using var tooMany = await edge.SendAsync("/caller", many);
        using var tooLarge = await edge.SendAsync("/caller", ("X-Large", new string('v', 5000)));
        using var tooLong = await edge.SendAsync("/caller?" + new string('q', 600));

        Assert.Equal(HttpStatusCode.OK, good.StatusCode);
        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, tooMany.StatusCode);
        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, tooLarge.StatusCode);
        Assert.Equal(HttpStatusCode.RequestUriTooLong, tooLong.StatusCode);
    }

    [Fact]
    public async Task Connection_beyond_the_limit_is_closed()
    {
        await using var edge = await EdgeService.StartAsync(settings: [("Limits:Connections", "1")]);
        using var first = await ConnectAsync(edge);
        Assert.Equal('H', await AskAsync(first));

        using var second = await ConnectAsync(edge);

        Assert.Null(await AskAsync(second));
        Assert.Equal('H', await AskAsync(first));
    }

    [Fact]
    public async Task Silent_connection_of_http2_is_asked_whether_it_is_there()
    {
        const byte Ping = 6;
        await using var edge = await EdgeService.StartAsync(
            settings: [("Limits:KeepAlivePing", "00:00:01"), ("Kestrel:EndpointDefaults:Protocols", "Http2")]);
        using var client = await ConnectAsync(edge);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(Wait.DefaultLimit);
        var stream = client.GetStream();

        // The preface, and settings of which there are none.
        await stream.WriteAsync((byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0], limit.Token);

        var head = new byte[9];
        while (head[3] != Ping)
        {
            await stream.ReadExactlyAsync(head, limit.Token);
            await stream.ReadExactlyAsync(new byte[(head[0] << 16) | (head[1] << 8) | head[2]], limit.Token);
        }
    }

    private static async Task<TcpClient> ConnectAsync(EdgeService edge)
    {
        var client = new TcpClient();
        await client.ConnectAsync(edge.Address.Host, edge.Address.Port, Cancellation);
        return client;
    }

    /// <summary>The first character of the answer; null where the connection is closed instead.</summary>
    private static async Task<char?> AskAsync(TcpClient client)
    {
        try
        {
            var stream = client.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes("GET /caller HTTP/1.1\r\nHost: edge\r\n\r\n"), Cancellation);

            // The whole of it, so that the next answer begins at its beginning.
            var buffer = new byte[4096];
            var text = "";
            while (!text.EndsWith("0\r\n\r\n", StringComparison.Ordinal) && !text.EndsWith("http 127.0.0.1", StringComparison.Ordinal))
            {
                var length = await stream.ReadAsync(buffer, Cancellation).AsTask().WaitAsync(Wait.DefaultLimit, Cancellation);
                if (length == 0)
                {
                    return null;
                }

                text += Encoding.ASCII.GetString(buffer, 0, length);
            }

            return text[0];
        }
        catch (IOException)
        {
            return null;
        }
    }
}
