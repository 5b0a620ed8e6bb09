using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace Microsoft.AspNetCore.Authentication.JwtBearer;

/// <summary>
/// The issuer and signing keys that an authority publishes (OpenID Connect Discovery 1.0, section 4), cached. A failed fetch keeps
/// the keys at hand, and asking again is limited, so that tokens with invented key ids cannot make this server a flood.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Lives as long as the options, hence the process; the semaphore holds no handle.")]
internal sealed class AuthorityKeys(JwtBearerOptions options)
{
    private readonly SemaphoreSlim _fetching = new(1, 1);
    private Published? _current;
    private DateTimeOffset _fetchAgainAt = DateTimeOffset.MinValue;
    private DateTimeOffset _refreshAllowedAt = DateTimeOffset.MinValue;

    private DateTimeOffset Now => (options.TimeProvider ?? TimeProvider.System).GetUtcNow();

    /// <summary>The keys at hand, fetched if there are none or they are old.</summary>
    /// <exception cref="InvalidOperationException">There are none, and they cannot be had.</exception>
    public async Task<Published> GetAsync(CancellationToken cancellationToken)
    {
        if (_current is { } current && Now < _fetchAgainAt)
        {
            return current;
        }

        await _fetching.WaitAsync(cancellationToken);
        try
        {
            return _current is { } other && Now < _fetchAgainAt ? other : await FetchAsync(cancellationToken);
        }
        finally
        {
            _fetching.Release();
        }
    }

    /// <summary>The keys fetched anew, because <paramref name="known"/> lacks one; null when it is too early to ask again.</summary>
    public async Task<Published?> RefreshAsync(Published known, CancellationToken cancellationToken)
    {
        await _fetching.WaitAsync(cancellationToken);
        try
        {
            if (!ReferenceEquals(_current, known))
            {
                return _current;
            }

            if (Now < _refreshAllowedAt)
            {
                return null;
            }

            _refreshAllowedAt = Now + options.RefreshInterval;
            return await FetchAsync(cancellationToken);
        }
        finally
        {
            _fetching.Release();
        }
    }

    public static void RequireHttps(JwtBearerOptions options, string address)
    {
        if (options.RequireHttpsMetadata && !address.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidOperationException(
                $"The MetadataAddress or Authority must use HTTPS unless disabled for development by setting RequireHttpsMetadata=false: {address}");
        }
    }

    private async Task<Published> FetchAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var metadata = JsonDocument.Parse(await options.Backchannel.GetStringAsync(options.MetadataAddress, cancellationToken));
            var issuer = Required(metadata, "issuer");
            var keysAddress = Required(metadata, "jwks_uri");
            RequireHttps(options, keysAddress);
            var keys = new JsonWebKeySet(await options.Backchannel.GetStringAsync(keysAddress, cancellationToken)).GetSigningKeys();
            _fetchAgainAt = Now + options.AutomaticRefreshInterval;
            return _current = new Published(issuer, [.. keys]);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            _fetchAgainAt = Now + options.RefreshInterval;
            return _current ?? throw new InvalidOperationException(
                $"IDX20803: Unable to obtain configuration from: '{options.MetadataAddress}'.", exception);
        }
    }

    private static string Required(JsonDocument metadata, string name) =>
        metadata.RootElement.TryGetProperty(name, out var value) && value.GetString() is { Length: > 0 } text
            ? text
            : throw new InvalidOperationException($"The OpenID configuration has no '{name}'.");

    internal sealed record Published(string Issuer, SecurityKey[] Keys);
}
