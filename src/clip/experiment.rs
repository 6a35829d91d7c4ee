use super::*;
use tract_onnx::prelude::*;
use std::time::Instant;
fn rss() -> String { std::fs::read_to_string("/proc/self/status").unwrap().lines().filter(|l| l.starts_with("VmHWM")||l.starts_with("VmRSS")).collect::<Vec<_>>().join(" ") }
#[test]
fn exp() {
    let p = std::path::Path::new("/tmp/exp.onnx");
    let json = br#"{"model_type":"clip"}"#;
    let c = Config::from_json(json, "x").unwrap();
    if !p.exists() {
        let t=Instant::now();
        let mut w = RandomWeights::new(1);
        let g = onnx::vision_graph(c.vision.as_ref().unwrap(), 512, onnx::WeightType::Float32, &mut w).unwrap();
        onnx::write_graph(g, p, &mut w).unwrap();
        let g = onnx::text_graph(c.text.as_ref().unwrap(), 512, onnx::WeightType::Float32);
        onnx::write_graph(g, std::path::Path::new("/tmp/expt.onnx"), &mut w).unwrap();
        eprintln!("write {:?} {}", t.elapsed(), rss());
    }
    let mode = std::env::var("MODE").unwrap_or("1".into());
    let text = std::env::var("TEXT").is_ok();
    let t=Instant::now();
    let path = if text {"/tmp/expt.onnx"} else {"/tmp/exp.onnx"};
    let bytes = crate::files::read(std::path::Path::new(path), 1<<31).unwrap();
    eprintln!("read {:?} {}", t.elapsed(), rss());
    let m = onnx::parse_model(&bytes, "x").unwrap(); drop(bytes);
    eprintln!("parse {:?} {}", t.elapsed(), rss());
    let e = engine::Engine::prepare(m, "x", |m| {
        if text {
            let t = m.symbols.sym("T"); 
            let n = m.symbols.sym("N"); 
            let n: TDim = if mode=="N" {n.into()} else {1.to_dim()};
            m.set_input_fact(0, InferenceFact::dt_shape(i64::datum_type(), tvec!(n, t.into())))?;
            return Ok(());
        }
        if mode == "N" { let n = m.symbols.sym("N"); m.set_input_fact(0, InferenceFact::dt_shape(f32::datum_type(), tvec!(n.into(), 3.to_dim(), 224.to_dim(), 224.to_dim()))) }
        else { let n: usize = mode.parse().unwrap(); m.set_input_fact(0, InferenceFact::dt_shape(f32::datum_type(), tvec!(n, 3, 224, 224))) }
    }).unwrap();
    eprintln!("prepare {:?} {}", t.elapsed(), rss());
    for n in if mode=="N" {vec![1,2,4,8]} else if text {vec![1]} else {vec![mode.parse().unwrap()]} {
        let mut best=f64::MAX; let mut s=0f32;
        for _ in 0..8 { 
            let x = if text { tract_ndarray::Array2::<i64>::from_shape_fn((n,20), |(a,b)| (a*77+b*13) as i64).into_tensor() } else { tract_ndarray::Array4::<f32>::from_shape_fn((n,3,224,224), |(a,b,c,d)| ((a*7+b*3+c*11+d*5)%17) as f32/8.-1.).into_tensor() };
            let t=Instant::now(); let r=e.run(tvec!(x.into())).unwrap(); best=best.min(t.elapsed().as_secs_f64()/n as f64*1e3);
            s = r[0].to_plain_array_view::<f32>().unwrap().iter().map(|x| x.abs()).sum();
        }
        eprintln!("n={n} {best:.1} ms per image; sum {s}");
    }
    eprintln!("end {}", rss());
}
