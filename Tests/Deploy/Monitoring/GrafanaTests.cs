using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Schemas;
using InferenceTemplate.Tests.Deploy.Scripts;

namespace InferenceTemplate.Tests.Deploy.Monitoring;

/// <summary>Boards of Grafana: their form by its schema, what they ask by promtool. No Grafana has shown them.</summary>
public sealed class GrafanaTests
{
    public static TheoryData<string> Boards => [.. WatchFiles.Boards.Select(file => Path.GetFileName(file)!)];

    [Fact]
    public void There_is_a_board_for_each_part_of_the_platform() => Assert.Equal(
        ["cluster", "gpu", "model", "overview", "queue", "servers", "serving", "slo", "tenants"],
        WatchFiles.Boards.Select(file => Path.GetFileNameWithoutExtension(file)));

    [Theory]
    [MemberData(nameof(Boards))]
    public void Board_fits_the_schema_of_grafana(string file)
    {
        var schemas = SchemaValidator.Find();
        if (schemas is null) Assert.Skip(SchemaValidator.Absent);
        var board = Read(file);

        Assert.Empty(schemas.Errors("grafana-dashboard.jsonschema.json", board));

        board["panels"]![0]!["gridPoz"] = 1;
        Assert.NotEmpty(schemas.Errors("grafana-dashboard.jsonschema.json", board));
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void Panels_have_a_title_and_a_place_of_their_own(string file)
    {
        var panels = Read(file).Items("panels").ToList();

        Assert.NotEmpty(panels);
        Assert.Equal(panels.Count, panels.Select(panel => panel.Text("id")).Distinct().Count());
        Assert.Equal(panels.Count, panels.Select(panel => panel.Text("title")).Distinct().Count());
        Assert.Equal(panels.Count, panels.Select(panel => panel["gridPos"]!.ToJsonString()).Distinct().Count());
        Assert.All(panels, panel => Assert.NotEmpty(panel.Items("targets")));
    }

    [Fact]
    public async Task What_panels_ask_is_promql()
    {
        WatchFiles.Need("promtool", "prometheus");
        var queries = WatchFiles.PanelQueries().ToList();
        Assert.True(queries.Count > 60, $"{queries.Count} queries");
        var rules = new JsonObject
        {
            ["groups"] = new JsonArray(new JsonObject
            {
                ["name"] = "panels",
                ["rules"] = new JsonArray(
                    [.. queries.Select((query, i) => (JsonNode)new JsonObject { ["record"] = $"panel:{i}", ["expr"] = query })]),
            }),
        };
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, rules.ToJsonString(), TestContext.Current.CancellationToken);

            var result = await Tool.RunAsync("promtool", ["check", "rules", file]);

            Assert.True(result.ExitCode == 0, result.All);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static JsonObject Read(string file) => WatchFiles.Board(WatchFiles.Boards.Single(each => Path.GetFileName(each) == file));
}
