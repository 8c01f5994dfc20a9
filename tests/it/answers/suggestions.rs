//! A word that is spelt wrong gets the one that was meant.

use crate::support::tenant::Offline;

#[test]
fn a_misspelt_command_flag_distribution_or_form_gets_the_one_that_was_meant() {
    let work = Offline::new();
    for (arguments, meant) in [
        ("bootstrp", "a similar subcommand exists: 'bootstrap'"),
        ("rotate perpare", "a similar subcommand exists: 'prepare'"),
        (
            "discovery --clustr a",
            "a similar argument exists: '--cluster'",
        ),
        (
            "discovery --regoin a",
            "a similar argument exists: '--region'",
        ),
        (
            "flags --format kubeadn",
            "a similar value exists: 'kubeadm'",
        ),
        ("flags --format talso", "a similar value exists: 'talos'"),
        ("flags -o jsn", "a similar value exists: 'json'"),
        ("policy bootstrp", "a similar value exists: 'bootstrap'"),
        (
            "webhook --certificate selfsigned",
            "a similar value exists: 'self-signed'",
        ),
    ] {
        work.irsactl(arguments).fails(64, &[meant]);
    }
}

#[test]
fn a_misspelt_region_is_refused_or_asked_about_with_the_nearest_one() {
    let mut work = Offline::new();
    let discovery = "discovery --bucket b1b";
    // What cannot be a region.
    for (region, meant) in [
        ("us-west2", "us-west-2"),
        ("US-WEST-2", "us-west-2"),
        ("eu-centrall", "eu-central-1"),
        ("cn-nroth-1a", "cn-north-1"),
    ] {
        let hint = format!("hint: did you mean '{meant}'?");
        work.irsactl(&format!("{discovery} --region {region}"))
            .fails(64, &[&hint]);
    }
    work.irsactl(&format!("{discovery} --region mars"))
        .fails(64, &["hint: give a region such as us-west-2"]);
    // What can: AWS may have opened it since.
    let warning = |region: &str| {
        let run = work.irsactl(&format!("{discovery} --region {region}"));
        assert!(
            run.stdout.contains(&format!("b1b.s3.{region}.")),
            "{run:#?}"
        );
        run.stderr
    };
    let unknown = "is not in the AWS SDK's list";
    for (region, question) in [
        ("us-wset-2", "did you mean 'us-west-2'?"),
        ("us-west-22", "did you mean 'us-west-2'?"),
        ("us-esat-1", "did you mean 'us-east-1'?"),
        ("eu-cnetral-1", "did you mean 'eu-central-1'?"),
        ("moon-farside-1", "is it spelled right?"),
    ] {
        let expected = format!("warning: region '{region}' {unknown}: {question}\n");
        assert_eq!(warning(region), expected);
    }
    assert_eq!(warning("us-west-2") + &warning("us-east-1"), "");
    work.environment
        .insert("AWS_REGION", "us-wset-2".to_owned());
    let run = work.irsactl(discovery);
    assert!(run.stderr.contains("did you mean 'us-west-2'?"), "{run:#?}");
}
