using InferenceTemplate.AppHost.Kubernetes.Rendering;

namespace InferenceTemplate.AppHost.Monitoring.Grafana;

/// <summary>What a number is, in the words of Grafana.</summary>
internal enum Unit
{
    Short,
    Reqps,
    PercentUnit,
    S,
    Bytes,
    Celsius,
    Watt,
}

/// <summary>A query of a chart.</summary>
/// <param name="Legend">The labels of a line, such as <c>{{model}}</c>.</param>
internal sealed record Series(string Expression, string Legend);

/// <summary>A chart over time.</summary>
internal sealed record Panel(string Title, Unit Unit, params Series[] Series)
{
    public Panel(string title, Unit unit, string expression, string legend)
        : this(title, unit, new Series(expression, legend))
    {
    }

    /// <summary>Its number on its board.</summary>
    public int Id { get; init; }

    /// <summary>Its address within Grafana.</summary>
    public string Path { get; init; } = "";
}

/// <summary>A dashboard of Grafana: charts in two columns, of one installation that is chosen by its namespace.</summary>
internal sealed class Board
{
    private const int Columns = 2, Width = 12, Height = 8;

    private static readonly Map s_source = new() { ["type"] = "prometheus", ["uid"] = "${datasource}" };

    private readonly string _title;
    private readonly IReadOnlyList<Panel> _panels;

    public Board(string name, string title, params Panel[] panels)
    {
        (Name, _title) = (name, title);
        _panels = [.. panels.Select((panel, i) => panel with { Id = i + 1, Path = $"/d/{Id}?viewPanel={i + 1}" })];
    }

    public string Name { get; }

    private string Id => $"inference-{Name}";

    /// <summary>The panel of a title; without it, what links to it could not be written.</summary>
    public Panel this[string title] => _panels.Single(panel => panel.Title == title);

    public Map Written => new()
    {
        ["uid"] = Id,
        ["title"] = $"Inference Template: {_title}",
        ["tags"] = new[] { "inference" },
        ["schemaVersion"] = 39,
        ["editable"] = false,
        ["graphTooltip"] = 1, // one crosshair for all charts
        ["refresh"] = "30s",
        ["time"] = new Map { ["from"] = "now-3h", ["to"] = "now" },
        ["annotations"] = new Map { ["list"] = Array.Empty<Map>() },
        ["templating"] = new Map
        {
            ["list"] = new[]
            {
                new Map { ["name"] = "datasource", ["type"] = "datasource", ["query"] = "prometheus" },
                new Map
                {
                    ["name"] = "namespace",
                    ["type"] = "query",
                    ["datasource"] = s_source,
                    ["query"] = "label_values(inference_queue_depth, namespace)",
                    ["refresh"] = 2, // whenever the time range changes
                },
            },
        },
        ["links"] = new[]
        {
            new Map
            {
                ["title"] = "Other dashboards",
                ["type"] = "dashboards",
                ["icon"] = "external link",
                ["tooltip"] = "",
                ["tags"] = new[] { "inference" },
                ["asDropdown"] = true,
                ["targetBlank"] = false,
                ["includeVars"] = true,
                ["keepTime"] = true,
            },
        },
        ["panels"] = _panels.Select(PanelOf).ToArray(),
    };

    private static Map PanelOf(Panel panel, int index) => new()
    {
        ["id"] = panel.Id,
        ["type"] = "timeseries",
        ["title"] = panel.Title,
        ["datasource"] = s_source,
        ["gridPos"] = new Map
        {
            ["h"] = Height,
            ["w"] = Width,
            ["x"] = index % Columns * Width,
            ["y"] = index / Columns * Height,
        },
        ["fieldConfig"] = new Map
        {
            ["defaults"] = new Map { ["unit"] = UnitOf(panel.Unit), ["min"] = 0 },
            ["overrides"] = Array.Empty<Map>(),
        },
        ["targets"] = panel.Series.Select((series, i) => new Map
        {
            ["refId"] = ((char)('A' + i)).ToString(),
            ["datasource"] = s_source,
            ["expr"] = series.Expression.Replace(Promql.Here, "namespace=\"$namespace\"", StringComparison.Ordinal),
            ["legendFormat"] = series.Legend,
        }).ToArray(),
    };

    private static string UnitOf(Unit unit) => unit.ToString().ToLowerInvariant();
}
