using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.Components.Console;
using InferenceTemplate.Web.Live;

namespace InferenceTemplate.Tests.Web;

public class LiveTests
{
    private static readonly DateTimeOffset s_now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void Rates_of_models_are_what_their_versions_counted_since_and_a_count_that_fell_is_none()
    {
        var rates = new ModelRates();
        rates.Take(Statistics(("digits", "1", 100), ("digits", "2", 50), ("sentiment", "1", 70)), s_now);
        Assert.Empty(rates.Until(s_now));
        rates.Take(Statistics(("digits", "1", 130), ("digits", "2", 60), ("sentiment", "1", 7)), s_now.AddSeconds(5));
        rates.Take(Statistics(("digits", "1", 999)), s_now.AddSeconds(5));

        var digits = Assert.Single(rates.Until(s_now.AddSeconds(6)));

        Assert.Equal("digits", digits.Name);
        Assert.Equal([new ChartPoint(-1, 8)], digits.Points);
    }

    [Fact]
    public void Version_that_comes_back_has_a_rate_from_its_second_count_on()
    {
        var rates = new ModelRates();
        rates.Take(Statistics(("digits", "1", 100), ("digits", "2", 50_000)), s_now);
        rates.Take(Statistics(("digits", "1", 110)), s_now.AddSeconds(5));
        rates.Take(Statistics(("digits", "1", 120), ("digits", "2", 50_000), ("other", "1", 9_000)), s_now.AddSeconds(10));
        rates.Take(Statistics(("digits", "1", 130), ("digits", "2", 50_005), ("other", "1", 9_005)), s_now.AddSeconds(15));

        var series = rates.Until(s_now.AddSeconds(15));

        Assert.Equal([2, 2, 3], series.Single(one => one.Name == "digits").Points.Select(point => point.Value!.Value));
        Assert.Equal([0, 0, 1], series.Single(one => one.Name == "other").Points.Select(point => point.Value!.Value));
    }

    [Fact]
    public void Stack_has_the_largest_by_name_and_the_others_as_one()
    {
        var series = ChartSeries.Stack([-1, 0], Enumerable.Range(1, 8).Select(i => ($"m{9 - i}", (IReadOnlyList<double>)[i, 2 * i])));

        Assert.Equal(["m1", "m2", "m3", "m4", "m5", "m6", "2 others"], series.Select(one => one.Name));
        Assert.Equal([new ChartPoint(-1, 3), new ChartPoint(0, 6)], series[^1].Points);
        Assert.Equal("var(--chart-1)", series[0].Color);
    }

    [Theory]
    [InlineData("promoted", "2", "instead of 1", "m/2 promoted, by ada: instead of 1")]
    [InlineData("rolled_back", "1", null, "m rolled back to 1, by ada")]
    [InlineData("canary_set", "2", "10 % of requests", "Canary m/2 set, by ada: 10 % of requests")]
    [InlineData("traffic_set", "1", null, "Trial of m ended, by ada")]
    [InlineData("batching_ended", "1", null, "m/1 batching ended, by ada")]
    public void Change_is_said_in_words(string kind, string version, string? details, string text) => Assert.Equal(
        text, Assert.Single(ShownChange.Since(s_now, [new PlatformChange(s_now, kind, "m", version, "ada", details)], null)).Text);

    [Fact]
    public void Changes_of_before_are_left_out_and_the_newest_come_first()
    {
        PlatformChange Of(string model, int minutes) => new(s_now.AddMinutes(minutes), "ready", model, "1", "worker", null);

        Assert.Equal(
            ["later/1 deployed", "sooner/1 deployed"],
            ShownChange.Since(s_now, [Of("sooner", 1), Of("before", -1), Of("later", 2)], null).Select(change => change.What));
    }

    [Theory]
    [InlineData("# A\n###### B\n####### C\ntext # D", "### A\n###### B\n####### C\ntext # D\n")]
    [InlineData("---\r\nlicense: mit\r\n---\r\n# A", "### A\n")]
    [InlineData("---\nno end\n# A", "---\nno end\n### A\n")]
    [InlineData("see ![a plot](https://example.org/p.png \"t\").", "see [a plot](https://example.org/p.png \"t\").\n")]
    [InlineData("![a][1] ![b] ![[c](d)](e)\n\n[1]: /p", "[a][1] [b] [[c](d)](e)\n\n[1]: /p\n")]
    [InlineData("A\nB\n===\ntext\n\nC\n---\n\n---", "### A B\ntext\n\n#### C\n\n---\n")]
    [InlineData("> # A\n> B\n> -\n- # C\n---", "> ### A\n> #### B\n- ### C\n---\n")]
    [InlineData("A\n- - -\n- ```\n  # code\n# B", "A\n- - -\n- ```\n  # code\n### B\n")]
    [InlineData("| a | b |\n|---|---|\n| c | d |", "| a | b |\n|---|---|\n| c | d |\n")]
    [InlineData("- item\n---\n- [x] done", "- item\n---\n- [x] done\n")]
    [InlineData("``` `code` ```\n# A", "``` `code` ```\n### A\n")]
    [InlineData("````\n```\n# not a heading\n````\n# A", "````\n```\n# not a heading\n````\n### A\n")]
    [InlineData("> ```\n> # not a heading\n# A", "> ```\n> # not a heading\n### A\n")]
    [InlineData("```\n# not a heading\n![x](y)\n```\n# A", "```\n# not a heading\n![x](y)\n```\n### A\n")]
    [InlineData("", "\n")]
    public void Card_of_a_model_fits_below_the_headings_of_its_page(string markdown, string shown) =>
        Assert.Equal(shown, CardText.Of(markdown));

    [Fact]
    public void Card_that_is_too_long_is_cut_and_says_so()
    {
        foreach (var length in new[] { CardText.Most, CardText.Most + 1 })
        {
            var shown = CardText.Of(new string('a', length));

            Assert.StartsWith(new string('a', CardText.Most) + "\n", shown, StringComparison.Ordinal);
            Assert.EndsWith("65,536 bytes are shown.*", shown, StringComparison.Ordinal);
        }

        Assert.Equal(CardText.Most, CardText.Of(new string('a', CardText.Most - 1)).Length);
    }

    [Theory]
    [InlineData(">")]
    [InlineData("> ")]
    [InlineData("- ")]
    public void Card_that_is_nested_deeply_is_made_flatter(string one)
    {
        string Nested(int count) => string.Concat(Enumerable.Repeat(one, count));

        Assert.Equal($"{Nested(CardText.MostNested)}a\n", CardText.Of($"{Nested(5_000)}a"));
    }

    private static ModelStatistics Statistics(params ReadOnlySpan<(string Model, string Version, long Requests)> versions)
    {
        var all = new List<VersionStatistics>();
        foreach (var (model, version, requests) in versions)
        {
            all.Add(new VersionStatistics(model, version, 0, new RequestCounts(new Counted(requests - 1), new Counted(1))));
        }

        return new ModelStatistics(all);
    }
}
