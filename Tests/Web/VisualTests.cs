using System.Reflection;
using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace InferenceTemplate.Tests.Web;

/// <summary>
/// The main pages look as they did. What is compared are pictures of a quarter of the size, block by block and as far as both reach, so
/// that letters which another release draws a little differently are no difference and a button that has moved is. Times and the product's
/// name are left out.
/// UPDATE_BASELINES=1 writes the pictures anew; look at them before they are committed.
/// </summary>
[Trait("Tier", "Nightly")]
public class VisualTests(Dashboard dashboard)
{
    /// <summary>Mean difference of a block of 64 x 64 pixels, of 255.</summary>
    private const double Tolerance = 10;

    /// <summary>Of the height of a page, in pixels of the small pictures: what lines of another font add up to.</summary>
    private const int HeightTolerance = 8;

    private const string Steady = """
        time, .live, .count, .health small, .brand span, h2 small { visibility: hidden !important; }
        [aria-labelledby=apis-title] td, [aria-labelledby=services-title] td { visibility: hidden !important; }
        time { display: inline-block; width: 5rem; height: 1.2em; overflow: hidden; vertical-align: bottom; }
        .brand span { display: inline-block; width: 9rem; overflow: hidden; }
        *, *::before, *::after { animation: none !important; transition: none !important; }
        """;

    // The content security policy refuses an element of styles, and not this.
    private const string Hide = """
        rules => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(rules);
            document.adoptedStyleSheets = [sheet];
        }
        """;

    // In Chromium, which reads PNG: the picture at a quarter of its size, and the mean difference of each block.
    private const string Compare = """
        async ([taken, kept, tolerance]) => {
            const load = url => new Promise((done, failed) => {
                const image = new Image();
                image.onload = () => done(image);
                image.onerror = failed;
                image.src = url;
            });
            const pixels = (image, width, height) => {
                const canvas = new OffscreenCanvas(width, height);
                const context = canvas.getContext('2d');
                context.imageSmoothingQuality = 'high';
                context.drawImage(image, 0, 0, width, height);
                return { canvas, data: context.getImageData(0, 0, width, height).data };
            };
            const now = await load(taken);
            const width = Math.round(now.width / 4), height = Math.round(now.height / 4);
            const small = pixels(now, width, height);
            const bytes = new Uint8Array(await (await small.canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
            const picture = btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''));
            if (!kept) {
                return { picture, worst: 255, where: 'there is no baseline' };
            }
            const before = await load(kept);
            if (before.width !== width || Math.abs(before.height - height) > Number(tolerance)) {
                return { picture, worst: 255, where: `${width} x ${height} instead of ${before.width} x ${before.height}` };
            }
            const old = pixels(before, width, before.height);
            const common = Math.min(height, before.height);
            let worst = 0, where = '';
            for (let top = 0; top < common; top += 16) {
                for (let left = 0; left < width; left += 16) {
                    let sum = 0, count = 0;
                    for (let y = top; y < Math.min(top + 16, common); y++) {
                        for (let x = left; x < Math.min(left + 16, width); x++) {
                            const at = 4 * (y * width + x);
                            for (let channel = 0; channel < 3; channel++, count++) {
                                sum += Math.abs(small.data[at + channel] - old.data[at + channel]);
                            }
                        }
                    }
                    if (sum / count > worst) {
                        worst = sum / count;
                        where = `around ${4 * left + 32}, ${4 * top + 32}`;
                    }
                }
            }
            return { picture, worst, where };
        }
        """;

    private static readonly (string Name, string Path, string Ready)[] Pages =
    [
        ("overview", "/", "[data-objective]"),
        ("models", "/models", "#models-title"),
        ("model", "/models/digits", "#history-title"),
        ("requests", "/requests", "#requests-title"),
        ("request", $"/requests/{FakeConsole.ServedRequest}", "#again-title"),
        ("jobs", "/jobs", "#jobs-title"),
        ("job", "/jobs/0198f0b4-0000-7000-8000-00000000000a", "#events-title"),
        ("batches", "/batches", "#batches-title"),
        ("queues", "/queues", "#queues-title"),
        ("dead-letters", "/dead-letters", "#letters-title"),
        ("workers", "/workers", ".facts-row"),
        ("tenants", "/tenants", "#tenants-title"),
        ("keys", "/keys", "#keys-title"),
        ("usage", "/usage", "#days-title"),
        ("audit", "/audit", "#audit-title"),
        ("playground", "/playground", "canvas[data-ready]"),
        ("settings", "/settings", "#services-title"),
    ];

    private static string Baselines => typeof(VisualTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(data => data.Key == "Baselines").Value!;

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Main_pages_look_as_they_did(ColorScheme scheme)
    {
        Assert.SkipUnless(
            Path.GetFileName(Browser.Executable) == "chromium-headless-shell",
            "Needs Debian's chromium-headless-shell, which made the pictures: letters of another browser have other widths.");
        var page = await dashboard.OpenAsync(scheme: scheme);
        (dashboard.Api.Traffic, dashboard.Api.Served) = (false, true);
        await page.SignInAsync();
        var eye = await page.Context.NewPageAsync();
        var different = new List<string>();
        foreach (var (name, path, ready) in Pages)
        {
            await page.GotoAsync(path);
            await Expect(page.Locator(ready).First).ToBeVisibleAsync();
            if (name == "model")
            {
                // Charts are drawn when they have found their size; a level line counts as hidden, having no height.
                await Expect(page.Locator(".chart svg path").Last).ToBeAttachedAsync();
            }

            await page.EvaluateAsync("document.fonts.ready");
            await page.Mouse.MoveAsync(0, 0);
            await page.EvaluateAsync(Hide, Steady);
            var taken = await page.ScreenshotAsync(new() { FullPage = true });
            different.AddRange(await CompareAsync(eye, $"{name}-{scheme}.png".ToLowerInvariant(), taken));
        }

        Assert.True(
            different.Count == 0, $"{string.Join("; ", different)}. If that is meant, write the baselines anew with UPDATE_BASELINES=1.");
    }

    private static async Task<string[]> CompareAsync(IPage eye, string name, byte[] taken)
    {
        var file = Path.Combine(Baselines, name);
        var writes = Environment.GetEnvironmentVariable("UPDATE_BASELINES") == "1";
        var kept = File.Exists(file) && !writes ? Url(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)) : null;
        var seen = await eye.EvaluateAsync<Comparison>(Compare, new[] { Url(taken), kept, $"{HeightTolerance}" });
        if (!writes && seen.Worst <= Tolerance)
        {
            return [];
        }

        var target = writes ? file : Path.Combine(AppContext.BaseDirectory, "screenshots", name);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        await File.WriteAllBytesAsync(target, Convert.FromBase64String(seen.Picture), TestContext.Current.CancellationToken);
        return writes ? [] : [$"{name}: {seen.Where} ({seen.Worst:0.#} of 255, {Tolerance} allowed; as it is now: {target})"];
    }

    private static string Url(byte[] png) => $"data:image/png;base64,{Convert.ToBase64String(png)}";

    private sealed class Comparison
    {
        [System.Text.Json.Serialization.JsonPropertyName("picture")]
        public string Picture { get; set; } = "";

        [System.Text.Json.Serialization.JsonPropertyName("worst")]
        public double Worst { get; set; }

        [System.Text.Json.Serialization.JsonPropertyName("where")]
        public string Where { get; set; } = "";
    }
}
