using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using IPNetwork = System.Net.IPNetwork;

namespace InferenceTemplate.ServiceDefaults.Proxies;

/// <summary>Whose word is taken for the address and scheme of the real caller (<c>X-Forwarded-For</c>, <c>X-Forwarded-Proto</c>).</summary>
public sealed class ProxySettings
{
    public const string Section = "ForwardedHeaders";

    /// <summary>Addresses of proxies whose <c>X-Forwarded-For</c> and <c>X-Forwarded-Proto</c> are trusted.</summary>
    public string[] KnownProxies { get; set; } = [];

    /// <summary>Networks of such proxies, for example <c>10.0.0.0/8</c>.</summary>
    public string[] KnownNetworks { get; set; } = [];
}

internal sealed class ProxySettingsValidator : IValidateOptions<ProxySettings>
{
    public ValidateOptionsResult Validate(string? name, ProxySettings options)
    {
        string[] problems =
        [
            .. options.KnownProxies.Where(p => !IPAddress.TryParse(p, out _)).Select(p =>
                $"ForwardedHeaders:KnownProxies has '{p}': an IP address is expected."),
            .. options.KnownNetworks.Where(n => !IPNetwork.TryParse(n, out _)).Select(n =>
                $"ForwardedHeaders:KnownNetworks has '{n}': a network such as 10.0.0.0/8 is expected."),
        ];
        return problems.Length > 0 ? ValidateOptionsResult.Fail(problems) : ValidateOptionsResult.Success;
    }
}

/// <summary>
/// Runs after ASPNETCORE_FORWARDEDHEADERS_ENABLED, which Aspire sets in what it deploys, and which would take everybody's word.
/// </summary>
internal sealed class TrustedProxies(IOptions<ProxySettings> settings) : IPostConfigureOptions<ForwardedHeadersOptions>
{
    public static void Add(IServiceCollection services)
    {
        services.AddOptions<ProxySettings>().BindConfiguration(ProxySettings.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ProxySettings>, ProxySettingsValidator>();
        services.AddSingleton<IPostConfigureOptions<ForwardedHeadersOptions>, TrustedProxies>();
    }

    public void PostConfigure(string? name, ForwardedHeadersOptions options)
    {
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var proxy in settings.Value.KnownProxies)
        {
            options.KnownProxies.Add(IPAddress.Parse(proxy));
        }

        foreach (var network in settings.Value.KnownNetworks)
        {
            options.KnownIPNetworks.Add(IPNetwork.Parse(network));
        }

        // With nobody known, the middleware would take everybody's word.
        options.ForwardedHeaders = options.KnownProxies.Count + options.KnownIPNetworks.Count > 0
            ? ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto
            : ForwardedHeaders.None;
    }
}
