use super::{super::soap::MAX_ANSWER_BYTES, *};

#[test]
fn deep_answers_and_definitions_of_entities_do_no_harm() {
    assert!(document(&"<a>".repeat(MAX_ANSWER_BYTES / 3)).is_none());
    let nested = format!("{}{}", "<a>".repeat(9_000), "</a>".repeat(9_000));
    assert!(document(&nested).is_some(), "without an overflow of the stack");
    assert!(document("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").is_none());
}

#[test]
fn control_characters_of_a_description_are_dropped() {
    let answer = "<r><NewInternalClient>192.168.1.20</NewInternalClient><NewInternalPort>7\
        </NewInternalPort><NewPortMappingDescription>a&#x9b;31mb</NewPortMappingDescription></r>";
    let to = "192.168.1.20:7".parse().unwrap();
    let description = "a31mb".to_owned();
    assert_eq!(entry(answer), Some(MappingEntry::Mapped { to, description, enabled: true }));
}
