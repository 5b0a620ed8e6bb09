using InferenceTemplate.AppHost.Kubernetes.Rendering;
using InferenceTemplate.AppHost.Monitoring.Grafana;

namespace InferenceTemplate.AppHost.Monitoring.Alerts;

/// <summary>How soon somebody must look; docs/runbooks.md says what each means.</summary>
internal enum Severity
{
    /// <summary>Users are affected: the pager.</summary>
    P1,

    /// <summary>They soon will be: the chat of the team.</summary>
    P2,

    /// <summary>It can wait for the next working day: mail.</summary>
    P3,
}

/// <summary>A rule of Prometheus.</summary>
/// <param name="Expression">Its series are the alerts; their labels may be named in the texts.</param>
/// <param name="Minutes">For how long it must hold.</param>
/// <param name="Summary">One line for a pager.</param>
/// <param name="Description">What it means.</param>
/// <param name="Runbook">A heading of docs/runbooks.md, as a link names it.</param>
/// <param name="Panel">Where it can be seen.</param>
internal sealed record Alert(
    string Name, Severity Severity, string Expression, int Minutes, string Summary, string Description, string Runbook, Panel Panel)
{
    /// <summary>Further labels, by which routes and inhibition tell rules of one name apart.</summary>
    public Map Labels { get; init; } = [];

    public Map Rule()
    {
        var labels = new Map { ["severity"] = Severity.ToString() };
        foreach (var (name, value) in Labels)
        {
            labels[name] = value;
        }

        return new()
        {
            ["alert"] = Name,
            ["expr"] = Expression,
            ["for"] = FormattableString.Invariant($"{Minutes}m"),
            ["labels"] = labels,
            ["annotations"] = new Map
            {
                ["summary"] = Summary,
                ["description"] = Description,
                ["runbook_url"] = $"docs/runbooks.md#{Runbook}",
                ["dashboard"] = Panel.Path,
            },
        };
    }
}

/// <summary>Rules that are evaluated together.</summary>
internal sealed record RuleGroup(string Name, IReadOnlyList<Map> Rules, string Interval = "30s")
{
    public Map Written => new() { ["name"] = Name, ["interval"] = Interval, ["rules"] = Rules };
}
