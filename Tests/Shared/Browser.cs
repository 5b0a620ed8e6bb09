using Microsoft.Playwright;

namespace InferenceTemplate.Tests.Shared;

/// <summary>A real Chromium, started once; each page gets a context, hence cookies, of its own.</summary>
public sealed class Browser : IAsyncDisposable
{
    // The first is Chromium without what only a window needs: the same engine at two thirds of the processor time.
    private static readonly string[] Names = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];

    // --no-sandbox: containers and root have no user namespaces for it. The rest keeps it off the network and off the GPU.
    private static readonly string[] Flags =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;

    private Browser(IPlaywright playwright, IBrowser browser)
    {
        _playwright = playwright;
        _browser = browser;
    }

    /// <summary>The path of the browser on this machine, or null. CHROMIUM_PATH goes before the PATH.</summary>
    public static string? Executable { get; } = new[] { Environment.GetEnvironmentVariable("CHROMIUM_PATH") }
        .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .SelectMany(folder => Names.Select(name => Path.Combine(folder, name))))
        .FirstOrDefault(File.Exists);

    /// <summary>Skips the running test where there is no browser.</summary>
    public static void SkipUnlessInstalled() =>
        Assert.SkipWhen(Executable is null, "Needs Chromium: install the Debian package 'chromium', or set CHROMIUM_PATH.");

    public static async Task<Browser> StartAsync()
    {
        var playwright = await Playwright.CreateAsync();
        var browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Executable, Args = Flags });

        // Machines that run tests are busy; a right answer that is slow is still right.
        Assertions.SetDefaultExpectTimeout(60_000);
        return new Browser(playwright, browser);
    }

    /// <summary>A page of its own context. Relative addresses are those of <paramref name="baseUrl"/>.</summary>
    public async Task<IPage> NewPageAsync(
        string baseUrl, int width = 1280, int height = 900, bool javaScript = true, ColorScheme scheme = ColorScheme.Light)
    {
        var context = await _browser.NewContextAsync(new()
        {
            BaseURL = baseUrl,
            ViewportSize = new() { Width = width, Height = height },
            JavaScriptEnabled = javaScript,
            ColorScheme = scheme,
        });
        context.SetDefaultTimeout(60_000);
        return await context.NewPageAsync();
    }

    /// <summary>Closes every page and forgets its cookies.</summary>
    public async Task ClosePagesAsync()
    {
        foreach (var context in _browser.Contexts.ToArray())
        {
            await context.CloseAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }
}
