using InferenceTemplate.ServiceDefaults;
using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.Components;
using InferenceTemplate.Web.Components.Console;
using InferenceTemplate.Web.Components.Playground;
using InferenceTemplate.Web.Live;
using InferenceTemplate.Web.Security;
using InferenceTemplate.Web.SignIn;
using Radzen;

var builder = WebApplication.CreateBuilder(args);

// The manifest in the build output is otherwise read in Development only; a published app has none, and this does nothing.
builder.WebHost.UseStaticWebAssets();

builder.AddServiceDefaults();
builder.AddInferenceApi();
builder.Services.AddSingleton<SharedReads>();
builder.Services.AddTransient<SharedOverview>();
builder.AddSignIn();
builder.AddKeyStorage();
builder.AddErrorPages();
builder.Services.AddRazorComponents().AddInteractiveServerComponents()
    .AddHubOptions(hub => hub.MaximumReceiveMessageSize = TensorField.MaxMessage);
builder.Services.AddRadzenComponents();

var app = builder.Build();

app.UseErrorPages();
app.UseSecurityHeaders();
app.UseAuthentication();
app.UseAuthorization();
app.UseFormChecks();

app.MapDefaultEndpoints();
app.MapDetailedHealth().RequireAuthorization(SignInSetup.AdminPolicy);
app.MapStaticAssets().AllowAnonymous();
app.MapSignOut();
app.MapStatementDownload();
app.MapBatchDownload();
app.MapRazorComponents<App>().AddInteractiveServerRenderMode(mode => mode.ContentSecurityFrameAncestorsPolicy = null);

await app.RunAsync();

