using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;
using Xunit.Sdk;
using Xunit.v3;

[assembly: AssemblyFixture(typeof(InferenceTemplate.Tests.Web.Dashboard))]

// One dashboard and one API for all tests, each of which sets the API's knobs.
[assembly: Parallelization(Mode = ParallelMode.None)]

namespace InferenceTemplate.Tests.Web;

/// <summary>A running dashboard, the API behind it, and a browser before it.</summary>
public sealed class Dashboard : IAsyncLifetime
{
    private WebProcess? _web;
    private Browser? _browser;
    private ITest? _test;

    public FakeApi Api { get; private set; } = null!;

    public string Url => _web!.Url;

    public async ValueTask InitializeAsync()
    {
        Api = await FakeApi.StartAsync();
        _web = await WebProcess.StartAsync(Api.Url, "Production");
    }

    /// <summary>A page with an empty cookie jar, before an API in good order.</summary>
    public async Task<IPage> OpenAsync(int width = 1280, bool javaScript = true, ColorScheme scheme = ColorScheme.Light, string? url = null)
    {
        Browser.SkipUnlessInstalled();
        _browser ??= await Browser.StartAsync();
        if (_test != TestContext.Current.Test)
        {
            // Pages that the last test left open would go on polling and drawing.
            await _browser.ClosePagesAsync();
            _test = TestContext.Current.Test;
            Api.Reset();
        }

        return await _browser.NewPageAsync(url ?? Url, width, javaScript: javaScript, scheme: scheme);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        if (_web is not null)
        {
            await _web.DisposeAsync();
        }

        await Api.DisposeAsync();
    }
}
