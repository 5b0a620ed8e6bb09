using System.Globalization;
using InferenceTemplate.Bench;
using InferenceTemplate.Bench.Parts;
using InferenceTemplate.Bench.Reporting;
using InferenceTemplate.Bench.Servers;

if (args is ["bare", var models, var threads])
{
    await BareServer.RunAsync(models, threads == "default" ? null : int.Parse(threads, CultureInfo.InvariantCulture));
    return 0;
}

if (args is ["report", .. var files])
{
    return await ReportCommand.RunAsync(files);
}

var options = BenchOptions.Parse(args);
var parts = PartList.Choose(options.Parts);
if (parts is null)
{
    Console.WriteLine(PartList.Usage);
    return 2;
}

// The native library and the runtime read them before any code of this program could set them.
if (Environment.GetEnvironmentVariable("ORT_DISABLE_TELEMETRY") != "1" || Environment.GetEnvironmentVariable(Restart.SpinLimit) is null)
{
    return await Restart.InOwnEnvironmentAsync(args);
}

Console.WriteLine(Machine.Describe());
await using var stage = new Stage(options);
var failed = 0;
foreach (var part in parts)
{
    try
    {
        await part.Run(stage);
    }
    catch (Exception exception)
    {
        // One part that breaks must not cost the numbers of the others.
        failed++;
        Console.WriteLine($"  {part.Name} broke: {exception}");
    }
}

var targets = Targets.Compare(stage.Report);
Targets.Print(targets);
if (options.Json is not null)
{
    await stage.Report.WriteAsync(options.Json, args.TakeWhile(argument => argument != "--json"), targets);
}

return failed == 0 ? 0 : 1;
